import { useEffect, useRef, type ReactNode } from "react";

import styles from "./Steps.module.css";

interface Props {
  /** What is going on, in one word: for styles, and for those who watch the page from outside. */
  readonly phase: string;
  readonly children: ReactNode;
}

/**
 * A page that goes from step to step. When what had the focus is gone with its step, the next one gets it,
 * unless a part of that step asked for it.
 */
export function Steps({ phase, children }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const last = useRef(phase);
  useEffect(() => {
    if (last.current === phase) return;
    last.current = phase;
    if (document.activeElement === document.body) place.current?.focus({ preventScroll: true });
  }, [phase]);
  return (
    <div data-phase={phase} className={styles["steps"]} ref={place} tabIndex={-1}>
      {children}
    </div>
  );
}
