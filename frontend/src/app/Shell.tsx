import { useLocation, Outlet } from "@tanstack/react-router";
import { onlineManager } from "@tanstack/react-query";
import { LogIn, LogOut, Menu as MenuIcon, SunMoon } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { Link } from "react-aria-components";

import { session } from "@/shared/session/session";
import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { chooseTheme, chosenTheme, THEMES, type Theme } from "@/shared/theme/theme";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { Select } from "@/shared/ui/Choice";
import { Dialog } from "@/shared/ui/Dialog";
import { Notice } from "@/shared/ui/Notice";

import { NAVIGATION, type Destination, type Group } from "./navigation";

import styles from "./Shell.module.css";

const IN_THE_BAR = 4; // destinations at the bottom of a phone; the others are behind "More"

/** What stands around every page: where one is, where one can go, and who one is. */
export function Shell() {
  const groups = useAllowed();
  const online = useSyncExternalStore(
    (told) => onlineManager.subscribe(told),
    () => onlineManager.isOnline(),
  );
  return (
    <div className={styles["shell"]}>
      <a className={styles["skip"]} href="#content">
        {text.common.skipToContent}
      </a>
      <aside className={styles["side"]}>
        <Brand />
        <nav aria-label={text.common.mainNavigation} className={styles["groups"]}>
          {groups.map((group) => (
            <Section key={group.label} group={group} />
          ))}
        </nav>
        <Footer />
      </aside>
      <main id="content" className={styles["content"]}>
        {!online && (
          <div className={styles["banner"]}>
            <Notice tone="warn">{text.common.offline}</Notice>
          </div>
        )}
        <Outlet />
      </main>
      <BottomBar groups={groups} />
    </div>
  );
}

function useAllowed(): readonly Group[] {
  const current = useSession();
  const permissions: readonly string[] = current.state === "signed_in" ? current.me.permissions : [];
  return NAVIGATION.map((group) => ({
    ...group,
    destinations: group.destinations.filter(({ permission }) => permissions.includes(permission)),
  })).filter((group) => group.destinations.length > 0);
}

function Brand() {
  return (
    <div className={styles["brand"]}>
      <img src="/icon.svg" alt="" width="28" height="28" />
      <span>{text.common.product}</span>
    </div>
  );
}

function Section({ group, onGone }: { readonly group: Group; readonly onGone?: () => void }) {
  return (
    <div className={styles["group"]}>
      <h2 className={styles["groupName"]}>{group.label}</h2>
      <ul>
        {group.destinations.map((destination) => (
          <li key={destination.to}>
            <Entry destination={destination} {...(onGone && { onGone })} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Entry({ destination, onGone }: { readonly destination: Destination; readonly onGone?: () => void }) {
  const { pathname } = useLocation();
  const here = pathname === destination.to || pathname.startsWith(`${destination.to}/`);
  const Icon = destination.icon;
  return (
    <Link
      href={destination.to}
      className={styles["entry"] ?? ""}
      {...(onGone && { onPress: onGone })}
      {...(here && { "aria-current": "page" as const })}
    >
      <Icon aria-hidden="true" />
      <span>{destination.label}</span>
    </Link>
  );
}

function Footer() {
  return (
    <div className={styles["footer"]}>
      <ThemeChoice />
      <WhoIsHere />
    </div>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  return (
    <div className={styles["theme"]}>
      <SunMoon aria-hidden="true" />
      <Select
        label={text.common.theme}
        hideLabel
        options={THEMES.map((value) => ({ value, label: text.common.themes[value] }))}
        value={theme}
        onChange={(chosen) => {
          setTheme(chosen);
          chooseTheme(chosen);
        }}
      />
    </div>
  );
}

function WhoIsHere() {
  const current = useSession();
  if (current.state === "signed_out") {
    return (
      <ButtonLink href="/login" tone="quiet">
        <LogIn aria-hidden="true" /> {text.common.operatorLogin}
      </ButtonLink>
    );
  }
  if (current.state !== "signed_in") return null;
  if (current.me.open) {
    return (
      <p className={styles["who"]}>
        <strong>{text.common.openService}</strong>
        <span>{text.common.openServiceHint}</span>
      </p>
    );
  }
  const role = text.common.roles[current.me.role] ?? current.me.role;
  return (
    <div className={styles["who"]}>
      <span>{text.common.signedInAs(current.me.name ?? current.me.actor, role)}</span>
      <Button tone="quiet" size="small" onPress={() => void session.signOut()}>
        <LogOut aria-hidden="true" /> {text.common.signOut}
      </Button>
    </div>
  );
}

function BottomBar({ groups }: { readonly groups: readonly Group[] }) {
  const [open, setOpen] = useState(false);
  const first = groups.flatMap((group) => group.destinations).slice(0, IN_THE_BAR);
  return (
    <nav className={styles["bar"]} aria-label={text.common.mainNavigation}>
      {first.map((destination) => (
        <Entry key={destination.to} destination={destination} />
      ))}
      <Button tone="quiet" aria-haspopup="dialog" onPress={() => setOpen(true)}>
        <MenuIcon aria-hidden="true" />
        <span>{text.common.more}</span>
      </Button>
      <Dialog title={text.common.product} isOpen={open} onClose={() => setOpen(false)}>
        <nav aria-label={text.common.more} className={styles["groups"]}>
          {groups.map((group) => (
            <Section key={group.label} group={group} onGone={() => setOpen(false)} />
          ))}
        </nav>
        <Footer />
      </Dialog>
    </nav>
  );
}
