import { formatScore } from "@/shared/format/format";

import styles from "./ScoreBars.module.css";

export interface Score {
  readonly name: string;
  /** 0..1. */
  readonly value: number;
  /** What it was held against, and how to say that. */
  readonly needed?: { readonly value: number; readonly says: string };
  readonly hint?: string;
}

/** Scores between 0 and 1 as bars, each with what it had to reach. Every figure stands there as text, too. */
export function ScoreBars({ scores }: { readonly scores: readonly Score[] }) {
  return (
    <ul className={styles["scores"]}>
      {scores.map((score) => (
        <li key={score.name}>
          <div className={styles["line"]}>
            <span>{score.name}</span>
            <span className={styles["value"]}>
              <strong>{formatScore(score.value)}</strong>
              {score.needed !== undefined && <span className={styles["soft"]}> {score.needed.says}</span>}
            </span>
          </div>
          <Bar score={score} />
          {score.hint !== undefined && <p className={styles["soft"]}>{score.hint}</p>}
        </li>
      ))}
    </ul>
  );
}

function Bar({ score: { value, needed } }: { readonly score: Score }) {
  const short = needed !== undefined && value < needed.value;
  return (
    <svg className={styles["bar"]} aria-hidden="true" data-short={short}>
      <rect className={styles["track"]} width="100%" height="8" y="4" rx="4" />
      <rect className={styles["filled"]} width={percent(value)} height="8" y="4" rx="4" />
      {needed !== undefined && (
        <line className={styles["mark"]} x1={percent(needed.value)} x2={percent(needed.value)} y1="0" y2="16" />
      )}
    </svg>
  );
}

function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}
