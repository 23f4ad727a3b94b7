import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { actionWord, actorOf, reasonWord } from "@/shared/audit/words";
import { ScoreBars, type Score } from "@/shared/chart/ScoreBars";
import { formatScore } from "@/shared/format/format";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Dialog } from "@/shared/ui/Dialog";
import { Notice } from "@/shared/ui/Notice";
import { Facts } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { When } from "@/shared/ui/When";

import { caughtBy, confidenceOf } from "./evidence";

import styles from "./Spoofs.module.css";

const words = text.spoofs;

interface Props {
  readonly sequence: number | null;
  readonly onClose: () => void;
}

/** One attempt, with what was kept of it. */
export function SpoofDialog({ sequence, onClose }: Props) {
  return (
    <Dialog title={sequence === null ? "" : words.attempt(sequence)} isOpen={sequence !== null} onClose={onClose} wide>
      {sequence !== null && <Kept sequence={sequence} />}
    </Dialog>
  );
}

function Kept({ sequence }: { readonly sequence: number }) {
  const query = useQuery({
    queryKey: ["spoofs", "one", sequence],
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/spoofs/{sequence}", { params: { path: { sequence } }, signal })),
    // Each look is on record, and no picture stays in the page's memory after it.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  return <Loaded query={query}>{(spoof) => <Shown spoof={spoof} />}</Loaded>;
}

function Shown({ spoof }: { readonly spoof: Schemas["SpoofShown"] }) {
  const { record, user_id } = spoof;
  return (
    <div className={styles["shown"]}>
      <Facts
        facts={[
          [words.caughtBy, reasonWord(caughtBy(record))],
          [words.what, actionWord(record.action)],
          [words.when, <When key="at" at={record.at} />],
          [
            words.claimed,
            user_id === null ? (
              words.nobodyKnown
            ) : (
              <Link key="person" to="/people/$userId" params={{ userId: user_id }}>
                {user_id}
              </Link>
            ),
          ],
          [words.by, actorOf(record.actor).kind],
        ]}
      />
      <Scores scores={spoof.scores} />
      <Pictures spoof={spoof} />
      <Notice>{words.onRecord}</Notice>
    </div>
  );
}

function Scores({ scores }: { readonly scores: Readonly<Record<string, number>> }) {
  const info = useQuery(systemInfoQuery).data;
  const { liveness, quality, match_evidence: match, bar } = scores;
  const neededMatch = bar === undefined ? info?.match_threshold : confidenceOf(bar);
  const bars: Score[] = [];
  if (liveness !== undefined) {
    bars.push({ name: words.liveness, value: liveness, ...needs(info?.liveness_threshold) });
  }
  if (match !== undefined) {
    bars.push({ name: words.match, value: confidenceOf(match), hint: words.matchHint, ...needs(neededMatch) });
  }
  if (quality !== undefined) bars.push({ name: words.quality, value: quality });
  return (
    <section className={styles["part"]}>
      <h3>{words.scores}</h3>
      {bars.length === 0 ? <p className={styles["soft"]}>{words.noScores}</p> : <ScoreBars scores={bars} />}
    </section>
  );
}

function needs(threshold: number | undefined): Pick<Score, "needed"> {
  return threshold === undefined ? {} : { needed: { value: threshold, says: words.needed(formatScore(threshold)) } };
}

function Pictures({ spoof: { depth_png, photo, photo_type } }: { readonly spoof: Schemas["SpoofShown"] }) {
  const stores = useQuery(systemInfoQuery).data?.images_stored === true;
  return (
    <section className={styles["part"]}>
      <h3>{words.pictures}</h3>
      {depth_png === null ? (
        <p className={styles["soft"]}>{words.noDepth}</p>
      ) : (
        <figure className={styles["figure"]}>
          <img src={`data:image/png;base64,${depth_png}`} alt={words.depthAlt} width="192" height="192" />
          <figcaption>
            <strong>{words.depth}</strong>
            <p>{words.depthHow}</p>
          </figcaption>
        </figure>
      )}
      {photo === null ? (
        <p className={styles["soft"]}>{stores ? words.noPhotoOfThis : words.noPhoto}</p>
      ) : (
        <figure className={styles["figure"]}>
          <img src={`data:${photo_type ?? "image/jpeg"};base64,${photo}`} alt={words.photoAlt} />
          <figcaption>
            <strong>{words.photo}</strong>
            <p>{words.photoHow}</p>
          </figcaption>
        </figure>
      )}
    </section>
  );
}
