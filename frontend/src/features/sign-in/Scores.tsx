import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Facts } from "@/shared/ui/Page";

import { type Decision } from "./status";

import styles from "./Fallback.module.css";

const words = text.signIn;
const NAMES = ["confidence", "threshold", "liveness_score", "quality_score", "probability"] as const;

/** The numbers behind a decision, for those who ask for them. */
export function Scores({ decision }: { readonly decision: Decision }) {
  return (
    <details className={styles["fallback"]}>
      <summary>{words.details}</summary>
      <div className={styles["ways"]}>
        <Facts
          facts={NAMES.map((name) => [
            words.scores[name],
            decision[name] === null ? words.hiddenScore : formatScore(decision[name]),
          ])}
        />
        <p>{words.scoresHow}</p>
      </div>
    </details>
  );
}
