import { useEffect, useRef, type ReactNode } from "react";

import { text } from "@/shared/text/text";

import styles from "./Page.module.css";

interface PageProps {
  readonly title: string;
  readonly intro?: ReactNode;
  readonly actions?: ReactNode;
  readonly narrow?: boolean;
  readonly children: ReactNode;
}

/** A page: its title is the document's, and gets the focus when one comes to it. */
export function Page({ title, intro, actions, narrow = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${text.common.product}`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div className={styles["page"]} data-narrow={narrow}>
      <header className={styles["header"]}>
        <div className={styles["titles"]}>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {intro !== undefined && <p className={styles["intro"]}>{intro}</p>}
        </div>
        {actions !== undefined && <div className={styles["actions"]}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface CardProps {
  readonly title?: string;
  readonly hint?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A part of a page with a heading of its own. */
export function Card({ title, hint, actions, children }: CardProps) {
  return (
    <section className={styles["card"]}>
      {(title !== undefined || actions !== undefined) && (
        <header className={styles["cardHeader"]}>
          <div>
            {title !== undefined && <h2>{title}</h2>}
            {hint !== undefined && <p className={styles["hint"]}>{hint}</p>}
          </div>
          {actions !== undefined && <div className={styles["actions"]}>{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** Names and what they are. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles["facts"]}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
