import { describe, expect, it } from "vitest";

import { formatAgo, formatBytes, formatPercent, formatScore } from "./format";

const NOW = Date.parse("2026-01-31T12:00:00Z");

describe("formatAgo", () => {
  it.each([
    ["2026-01-31T11:59:58Z", "2 seconds ago"],
    ["2026-01-31T11:58:30Z", "1 minute ago"],
    ["2026-01-31T09:00:00Z", "3 hours ago"],
    ["2026-01-30T11:00:00Z", "yesterday"],
    ["2026-02-02T13:00:00Z", "in 2 days"],
    ["2024-01-31T12:00:00Z", "2 years ago"],
  ])("tells %s as %s", (iso, told) => {
    expect(formatAgo(iso, NOW)).toBe(told);
  });
});

describe("formatPercent", () => {
  it.each([
    [0, "0 %"],
    [0.0067, "0.67 %"],
    [0.0167, "1.7 %"],
    [0.4231, "42 %"],
  ])("tells %f as %s", (share, told) => {
    expect(formatPercent(share)).toBe(told);
  });
});

it("tells a missing score from zero", () => {
  expect([formatScore(null), formatScore(0)]).toEqual(["–", "0.00"]);
});

it("tells sizes in the unit that fits", () => {
  expect([formatBytes(900), formatBytes(12_400_000)]).toEqual(["1 kB", "12.4 MB"]);
});
