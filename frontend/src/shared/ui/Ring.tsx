import styles from "./Ring.module.css";

interface Props {
  /** 0..1. */
  readonly value: number;
  readonly label: string;
  readonly size?: number;
  readonly children?: React.ReactNode;
}

const RADIUS = 20;
const AROUND = 2 * Math.PI * RADIUS;

/** How far something is, as a ring. */
export function Ring({ value, label, size = 48, children }: Props) {
  const share = Math.min(1, Math.max(0, value));
  return (
    <div
      className={styles["ring"]}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <svg viewBox="0 0 48 48" width={size} height={size} aria-hidden="true">
        <circle cx="24" cy="24" r={RADIUS} className={styles["track"]} />
        <circle
          cx="24"
          cy="24"
          r={RADIUS}
          className={styles["done"]}
          strokeDasharray={AROUND}
          strokeDashoffset={AROUND * (1 - share)}
        />
      </svg>
      <span className={styles["inside"]}>{children}</span>
    </div>
  );
}
