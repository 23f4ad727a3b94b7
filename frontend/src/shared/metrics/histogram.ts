import { type Sample } from "./prometheus";

/** How often values fell between bounds. */
export interface Histogram {
  /** Upper bounds, rising; the last one is infinite. */
  readonly bounds: readonly number[];
  /** How many fell into each bucket, and not into one before it. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** The histograms of a name, by the value of one label ("" where there is none), in the order of the text. */
export function histogramsOf(samples: readonly Sample[], name: string, label: string): ReadonlyMap<string, Histogram> {
  const found = new Map<string, { cumulative: [number, number][]; sum: number }>();
  for (const sample of samples) {
    const part = sample.name === `${name}_bucket` ? "bucket" : sample.name === `${name}_sum` ? "sum" : null;
    if (part === null) continue;
    const of = sample.labels[label] ?? "";
    const entry = found.get(of) ?? { cumulative: [], sum: 0 };
    found.set(of, entry);
    if (part === "sum") entry.sum += sample.value;
    else entry.cumulative.push([boundOf(sample.labels["le"]), sample.value]);
  }
  return new Map([...found].map(([of, { cumulative, sum }]) => [of, histogramFrom(cumulative, sum)]));
}

function boundOf(le: string | undefined): number {
  return le === "+Inf" || le === undefined ? Infinity : Number(le);
}

function histogramFrom(cumulative: readonly (readonly [number, number])[], sum: number): Histogram {
  // Series that differ in another label only are one histogram here: their buckets are the same.
  const byBound = new Map<number, number>();
  for (const [bound, count] of cumulative) byBound.set(bound, (byBound.get(bound) ?? 0) + count);
  const rising = [...byBound].sort(([a], [b]) => a - b);
  let before = 0;
  const counts = rising.map(([, upTo]) => {
    const inside = upTo - before;
    before = upTo;
    return inside;
  });
  return { bounds: rising.map(([bound]) => bound), counts, count: before, sum };
}

/** Several histograms with the same bounds as one; null when there are none. */
export function together(histograms: readonly Histogram[]): Histogram | null {
  const [first, ...others] = histograms;
  if (first === undefined) return null;
  return others.reduce(
    (all, one) => ({
      bounds: all.bounds,
      counts: all.counts.map((count, place) => count + (one.counts[place] ?? 0)),
      count: all.count + one.count,
      sum: all.sum + one.sum,
    }),
    first,
  );
}

/**
 * The value that this share of all values doesn't exceed, as Prometheus estimates it: evenly spread within a bucket.
 *
 * Null when there are no values. What lies beyond the last finite bound is told as that bound.
 */
export function quantileOf({ bounds, counts, count }: Histogram, share: number): number | null {
  if (count === 0) return null;
  const rank = share * count;
  let before = 0;
  for (const [place, inside] of counts.entries()) {
    const upper = bounds[place] ?? Infinity;
    const lower = place === 0 ? 0 : (bounds[place - 1] ?? 0);
    if (before + inside >= rank && inside > 0) {
      return Number.isFinite(upper) ? lower + (upper - lower) * ((rank - before) / inside) : lower;
    }
    before += inside;
  }
  return null;
}
