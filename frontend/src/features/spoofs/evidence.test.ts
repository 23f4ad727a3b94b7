import { describe, expect, it } from "vitest";

import { caughtBy, confidenceOf } from "./evidence";

describe("which check caught it", () => {
  it.each([
    [{ reason: "frames_replayed", details: {} }, "frames_replayed"],
    [{ reason: "spoof_suspected", details: { told: "spoof_suspected" } }, "spoof_suspected"],
    [{ reason: "unknown_subject", details: { told: "spoof_suspected" } }, "spoof_suspected"],
  ])("%j", (record, check) => expect(caughtBy(record)).toBe(check));
});

it.each([
  [0, 0],
  [3, 0.545],
  [4, 0.65],
  [5, 0.731],
])("tells evidence %f as confidence %f, as the service does", (evidence, confidence) => {
  expect(confidenceOf(evidence)).toBeCloseTo(confidence, 3);
});
