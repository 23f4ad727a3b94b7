import { type LucideIcon } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";

import styles from "./Outcome.module.css";

interface Props {
  readonly icon: LucideIcon;
  readonly tone: "good" | "bad" | "warn" | "neutral";
  readonly title: string;
  readonly how: string;
  readonly ways?: ReactNode;
  readonly children?: ReactNode;
}

/** How an attempt ended. The focus goes to its title, so that it is read out and the keyboard goes on from there. */
export function Outcome({ icon: Icon, tone, title, how, ways, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className={styles["outcome"]} data-tone={tone}>
      <span className={styles["icon"]}>
        <Icon aria-hidden="true" />
      </span>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      <p>{how}</p>
      {ways !== undefined && <div className={styles["ways"]}>{ways}</div>}
      {children !== undefined && <div className={styles["more"]}>{children}</div>}
    </div>
  );
}
