import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Notice } from "@/shared/ui/Notice";
import { Page } from "@/shared/ui/Page";

import { AddressCard } from "./AddressCard";
import { KeysCard } from "./KeysCard";
import { OperatorsCard } from "./OperatorsCard";

const words = text.access;

/** Who may get in: people with a password, applications with a key; and addresses that must wait. */
export function AccessPage() {
  const current = useSession();
  const open = current.state === "signed_in" && current.me.open;
  return (
    <Page title={words.title} intro={words.intro}>
      {open && <Notice title={words.open}>{words.openHow}</Notice>}
      <OperatorsCard />
      <KeysCard />
      <AddressCard />
    </Page>
  );
}
