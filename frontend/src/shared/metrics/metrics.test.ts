import { describe, expect, it } from "vitest";

import { histogramsOf, quantileOf, together, type Histogram } from "./histogram";
import { parseMetrics, totalOf } from "./prometheus";

const TEXT = `# HELP facekey_stage_seconds How long each stage of a decision took
# TYPE facekey_stage_seconds histogram
facekey_stage_seconds_bucket{stage="detect",le="0.01"} 2.0
facekey_stage_seconds_bucket{stage="detect",le="0.1"} 6.0
facekey_stage_seconds_bucket{stage="detect",le="+Inf"} 8.0
facekey_stage_seconds_count{stage="detect"} 8.0
facekey_stage_seconds_sum{stage="detect"} 0.9
facekey_quality_score_bucket{le="0.5"} 1.0
facekey_quality_score_bucket{le="+Inf"} 1.0
facekey_decisions_total{action="authenticate",outcome="accept",reason="live_match"} 3.0
facekey_decisions_total{action="identify",outcome="reject",reason="no_match"} 1e+01 1795329184000
facekey_odd{path="a\\"b\\\\c\\nd",x="1"} NaN
facekey_odd{path="a\\"b\\\\c\\nd",x="}"} -Inf

this is no metric
`;

describe("parseMetrics", () => {
  const samples = parseMetrics(TEXT);

  it("reads names, labels and values, and leaves out what is none", () => {
    expect(samples).toHaveLength(10);
    expect(samples[7]).toEqual({
      name: "facekey_decisions_total",
      labels: { action: "authenticate", outcome: "accept", reason: "live_match" },
      value: 3,
    });
    expect(samples[8]?.value).toBe(10);
  });

  it("reads what is escaped in labels, and braces in them", () => {
    expect(samples[9]).toEqual({ name: "facekey_odd", labels: { path: 'a"b\\c\nd', x: "}" }, value: -Infinity });
  });

  it("sums what has one name", () => {
    expect(totalOf(samples, "facekey_decisions_total")).toBe(13);
    expect(totalOf(samples, "facekey_nothing")).toBeNull();
  });

  it("reads histograms by label, with what fell into each bucket alone", () => {
    expect(histogramsOf(samples, "facekey_stage_seconds", "stage")).toEqual(
      new Map([["detect", { bounds: [0.01, 0.1, Infinity], counts: [2, 4, 2], count: 8, sum: 0.9 }]]),
    );
    expect([...histogramsOf(samples, "facekey_quality_score", "action").keys()]).toEqual([""]);
  });
});

describe("quantileOf", () => {
  const histogram: Histogram = { bounds: [0.01, 0.1, Infinity], counts: [2, 4, 2], count: 8, sum: 0.9 };

  it.each([
    [0.25, 0.01],
    [0.5, 0.055],
    [0.75, 0.1],
    [0.95, 0.1],
  ])("tells the %f quantile as %f", (share, value) => {
    expect(quantileOf(histogram, share)).toBeCloseTo(value, 6);
  });

  it("passes over empty buckets", () => {
    expect(quantileOf({ bounds: [1, 2, Infinity], counts: [0, 2, 0], count: 2, sum: 3 }, 0)).toBe(1);
  });

  it("has nothing to say of nothing", () => {
    expect(quantileOf({ bounds: [1, Infinity], counts: [0, 0], count: 0, sum: 0 }, 0.5)).toBeNull();
  });
});

it("puts histograms together", () => {
  const one: Histogram = { bounds: [1, Infinity], counts: [1, 2], count: 3, sum: 4 };
  expect(together([one, one])).toEqual({ bounds: [1, Infinity], counts: [2, 4], count: 6, sum: 8 });
  expect(together([])).toBeNull();
});
