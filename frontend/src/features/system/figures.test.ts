import { describe, expect, it } from "vitest";

import { parseMetrics } from "@/shared/metrics/prometheus";

import { atLeast, columnsOf, decisionsOf, formatSeconds, stageLatencies } from "./figures";

const SAMPLES = parseMetrics(`
facekey_stage_seconds_bucket{stage="embed",le="0.1"} 4
facekey_stage_seconds_bucket{stage="embed",le="+Inf"} 4
facekey_stage_seconds_bucket{stage="novel",le="0.1"} 2
facekey_stage_seconds_bucket{stage="novel",le="+Inf"} 2
facekey_stage_seconds_bucket{stage="decode",le="0.1"} 4
facekey_stage_seconds_bucket{stage="decode",le="+Inf"} 4
facekey_stage_seconds_bucket{stage="search",le="0.1"} 0
facekey_stage_seconds_bucket{stage="search",le="+Inf"} 0
facekey_decisions_total{action="identify",outcome="reject",reason="no_match"} 2
facekey_decisions_total{action="authenticate",outcome="accept",reason="live_match"} 7
facekey_decisions_total{action="register",outcome="accept",reason="enrolled"} 0
`);

it("tells stages in the order of the work, unknown ones last, and none that never ran", () => {
  expect(stageLatencies(SAMPLES).map(({ of }) => of)).toEqual(["decode", "embed", "novel"]);
  expect(stageLatencies(SAMPLES)[0]).toEqual({ of: "decode", count: 4, p50S: 0.05, p95S: 0.095 });
});

it("tells decisions by how often they were made", () => {
  expect(decisionsOf(SAMPLES).map(({ reason, count }) => [reason, count])).toEqual([
    ["live_match", 7],
    ["no_match", 2],
  ]);
});

describe("scores", () => {
  const histogram = { bounds: [0.5, 0.65, 1, Infinity], counts: [3, 2, 5, 0], count: 10, sum: 6 };

  it("are columns from 0 to 1", () => {
    expect(columnsOf(histogram)).toEqual([
      { from: 0, to: 0.5, count: 3 },
      { from: 0.5, to: 0.65, count: 2 },
      { from: 0.65, to: 1, count: 5 },
    ]);
  });

  it.each([
    [0.65, 5],
    [0.6, 5],
    [0.5, 7],
  ])("count from a threshold of %f on: %i", (threshold, count) => expect(atLeast(histogram, threshold)).toBe(count));
});

it.each([
  [0, "0 ms"],
  [0.00042, "0.4 ms"],
  [0.0123, "12 ms"],
  [1.26, "1.3 s"],
  [30, "30 s"],
])("tells %f seconds as %s", (seconds, told) => expect(formatSeconds(seconds)).toBe(told));
