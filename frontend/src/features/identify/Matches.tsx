import { Link } from "react-aria-components";

import { type Schemas } from "@/shared/api/client";
import { formatScore } from "@/shared/format/format";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";

import styles from "./Matches.module.css";

const words = text.identify;

interface Props {
  readonly matches: readonly Schemas["MatchedUser"][];
  readonly threshold: number;
}

/** Each match with how sure it is, and a mark for how sure it must be. */
export function Matches({ matches, threshold }: Props) {
  const mayOpen = useMay("list_people");
  return (
    <>
      <ol className={styles["matches"]} aria-label={words.matches}>
        {matches.map(({ user_id, confidence }) => (
          <li key={user_id} className={styles["match"]}>
            {mayOpen ? (
              <Link href={`/people/${encodeURIComponent(user_id)}`} className={styles["who"] ?? ""}>
                {user_id}
              </Link>
            ) : (
              <span className={styles["who"]}>{user_id}</span>
            )}
            <span className={styles["score"]}>{formatScore(confidence)}</span>
            <div
              className={styles["bar"]}
              role="meter"
              aria-label={`${words.confidence}, ${user_id}`}
              aria-valuemin={0}
              aria-valuemax={1}
              aria-valuenow={confidence}
            >
              <span className={styles["filled"]} style={{ inlineSize: `${confidence * 100}%` }} />
              <span className={styles["mark"]} style={{ insetInlineStart: `${threshold * 100}%` }} />
            </div>
          </li>
        ))}
      </ol>
      <p className={styles["needed"]}>
        <span className={styles["sample"]} aria-hidden="true" /> {words.needed(formatScore(threshold))}.{" "}
        {words.neededHow}
      </p>
    </>
  );
}
