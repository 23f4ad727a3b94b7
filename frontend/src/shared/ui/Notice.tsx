import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import { type ReactNode } from "react";

import styles from "./Notice.module.css";

export type NoticeTone = "info" | "good" | "warn" | "bad";

const ICONS = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };

interface Props {
  readonly tone?: NoticeTone;
  readonly title?: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** A sentence that matters, with a way on where there is one. Bad news is read out at once, other news when there is time. */
export function Notice({ tone = "info", title, children, action }: Props) {
  const Icon = ICONS[tone];
  return (
    <div className={styles["notice"]} data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
      <Icon aria-hidden="true" />
      <div className={styles["words"]}>
        {title !== undefined && <strong>{title}</strong>}
        {children !== undefined && <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}
