import { type ReactNode } from "react";

import styles from "./More.module.css";

/** What is there for those who ask for it. */
export function More({ summary, children }: { readonly summary: string; readonly children: ReactNode }) {
  return (
    <details className={styles["more"]}>
      <summary>{summary}</summary>
      <div className={styles["inside"]}>{children}</div>
    </details>
  );
}
