import { type ReactNode } from "react";

import styles from "./Badge.module.css";

export type BadgeTone = "neutral" | "good" | "warn" | "bad" | "accent";

/** A word on the state of something. The word says it; the colour only helps. */
export function Badge({ tone = "neutral", children }: { readonly tone?: BadgeTone; readonly children: ReactNode }) {
  return (
    <span className={styles["badge"]} data-tone={tone}>
      {children}
    </span>
  );
}
