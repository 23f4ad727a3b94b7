import { useEffect, useRef, useState, type ReactNode } from "react";

import styles from "./Guidance.module.css";

const HELD_MS = 600;

interface Props {
  readonly words: string;
  readonly icon?: ReactNode;
}

/** What to do now, in large words; each stays long enough to be read, on screen and aloud. */
export function Guidance({ words, icon }: Props) {
  const steady = useSteady(words);
  return (
    <p className={styles["guidance"]} role="status">
      {icon}
      <span>{steady}</span>
    </p>
  );
}

/** The last value, but none replaces another before that was to be seen for a moment. */
function useSteady(value: string): string {
  const [shown, setShown] = useState(value);
  const sinceMs = useRef(0);
  useEffect(() => {
    if (value === shown) return;
    const wait = Math.max(0, sinceMs.current + HELD_MS - performance.now());
    const timer = setTimeout(() => {
      sinceMs.current = performance.now();
      setShown(value);
    }, wait);
    return () => clearTimeout(timer);
  }, [value, shown]);
  return shown;
}
