import { useQuery } from "@tanstack/react-query";

import { Columns } from "@/shared/chart/Columns";
import { formatCount, formatScore } from "@/shared/format/format";
import { histogramsOf, together, type Histogram } from "@/shared/metrics/histogram";
import { type Sample } from "@/shared/metrics/prometheus";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Card } from "@/shared/ui/Page";

import { atLeast, columnsOf } from "./figures";

import styles from "./System.module.css";

const words = text.system.performance;

/** How match, liveness and quality are spread, and where the thresholds stand in it. */
export function ScoresCard({ samples }: { readonly samples: readonly Sample[] }) {
  const info = useQuery(systemInfoQuery).data;
  const claims = [...histogramsOf(samples, "facekey_match_confidence", "action")]
    .filter(([action]) => action.startsWith("authenticate"))
    .map(([, histogram]) => histogram);
  const parts = [
    { title: words.match, histogram: together(claims), threshold: info?.match_threshold },
    {
      title: words.liveness,
      histogram: together([...histogramsOf(samples, "facekey_liveness_score", "action").values()]),
      threshold: info?.liveness_threshold,
    },
    {
      title: words.quality,
      histogram: together([...histogramsOf(samples, "facekey_quality_score", "action").values()]),
      threshold: undefined,
    },
  ].flatMap(({ histogram, ...part }) => (histogram === null || histogram.count === 0 ? [] : [{ ...part, histogram }]));
  if (parts.length === 0) return null;
  return (
    <Card title={words.scores} hint={words.scoresHint}>
      <div className={styles["scores"]}>
        {parts.map((part) => (
          <Columns
            key={part.title}
            title={part.title}
            summary={summaryOf(part.histogram, part.threshold)}
            columns={columnsOf(part.histogram)}
            words={words.columns}
            {...(part.threshold !== undefined && {
              threshold: { value: part.threshold, says: words.threshold(formatScore(part.threshold)) },
            })}
          />
        ))}
      </div>
    </Card>
  );
}

function summaryOf(histogram: Histogram, threshold: number | undefined): string {
  const all = formatCount(histogram.count);
  const mean = formatScore(histogram.sum / histogram.count);
  if (threshold === undefined) return words.spread(all, mean);
  return words.spreadAbove(all, mean, formatCount(atLeast(histogram, threshold)));
}
