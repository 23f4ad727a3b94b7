import { type ColumnOf } from "@/shared/chart/Columns";
import { histogramsOf, quantileOf, type Histogram } from "@/shared/metrics/histogram";
import { type Sample } from "@/shared/metrics/prometheus";

/** The stages of a decision, in the order in which they happen. */
const STAGES: readonly string[] = [
  "queue",
  "decode",
  "detect",
  "align",
  "mesh",
  "eyes",
  "quality",
  "liveness",
  "sequence",
  "embed",
  "fingerprint",
  "frame_hash",
  "load",
  "compare",
  "search",
  "record",
];

export interface Latency {
  readonly of: string;
  readonly count: number;
  readonly p50S: number;
  readonly p95S: number;
}

/** How long each stage took, in the order of the work. */
export function stageLatencies(samples: readonly Sample[]): readonly Latency[] {
  const known = (of: string) => (STAGES.includes(of) ? STAGES.indexOf(of) : STAGES.length);
  return latenciesOf(histogramsOf(samples, "facekey_stage_seconds", "stage")).toSorted(
    (a, b) => known(a.of) - known(b.of),
  );
}

/** How long the routes took that are asked most. */
export function routeLatencies(samples: readonly Sample[], most: number): readonly Latency[] {
  return latenciesOf(histogramsOf(samples, "facekey_request_seconds", "route"))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, most);
}

function latenciesOf(histograms: ReadonlyMap<string, Histogram>): readonly Latency[] {
  return [...histograms].flatMap(([of, histogram]) => {
    const [p50S, p95S] = [quantileOf(histogram, 0.5), quantileOf(histogram, 0.95)];
    return p50S === null || p95S === null ? [] : [{ of, count: histogram.count, p50S, p95S }];
  });
}

export interface Decisions {
  readonly action: string;
  readonly outcome: string;
  readonly reason: string;
  readonly count: number;
}

/** What was decided how often, the most frequent first. */
export function decisionsOf(samples: readonly Sample[]): readonly Decisions[] {
  return samples
    .filter(({ name, value }) => name === "facekey_decisions_total" && value > 0)
    .map(({ labels, value }) => ({
      action: labels["action"] ?? "",
      outcome: labels["outcome"] ?? "",
      reason: labels["reason"] ?? "",
      count: value,
    }))
    .toSorted((a, b) => b.count - a.count);
}

/** Buckets of a score as columns from 0 to 1. */
export function columnsOf({ bounds, counts }: Histogram): readonly ColumnOf[] {
  return bounds.flatMap((to, place) =>
    Number.isFinite(to) ? [{ from: place === 0 ? 0 : (bounds[place - 1] ?? 0), to, count: counts[place] ?? 0 }] : [],
  );
}

/** How many values lie in buckets that begin at the threshold or above; a bucket that it cuts counts as below. */
export function atLeast(histogram: Histogram, threshold: number): number {
  return columnsOf(histogram)
    .filter(({ from }) => from >= threshold - 1e-9)
    .reduce((sum, { count }) => sum + count, 0);
}

/** A duration in the unit that fits. */
export function formatSeconds(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(seconds >= 10 ? 0 : 1)} s`;
  const ms = seconds * 1000;
  return `${ms >= 10 || ms === 0 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}
