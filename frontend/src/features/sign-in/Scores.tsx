import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { More } from "@/shared/ui/More";
import { Facts } from "@/shared/ui/Page";

import { type Decision } from "./status";

import styles from "./Fallback.module.css";

const words = text.signIn;
const NAMES = ["confidence", "threshold", "liveness_score", "quality_score", "probability"] as const;

/** The numbers behind a decision, for those who ask for them. */
export function Scores({ decision }: { readonly decision: Decision }) {
  return (
    <More summary={words.details}>
      <Facts
        facts={NAMES.map((name) => [
          words.scores[name],
          decision[name] === null ? words.hiddenScore : formatScore(decision[name]),
        ])}
      />
      <p className={styles["ways"]}>{words.scoresHow}</p>
    </More>
  );
}
