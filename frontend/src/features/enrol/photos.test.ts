import { expect, it } from "vitest";

import { lacking, photoOf, sendable, withVerdicts, type Photo } from "./photos";

const BYTES = new Blob(["x"]);
const ASSESSED = { usable: true, reason: null, advice: null, quality: null, face: null };

function photos(usable: number, poor = 0, faulty = 0): Photo[] {
  const many = (count: number, more: Partial<Photo>) => Array.from({ length: count }, () => photoOf(BYTES, more));
  return [
    ...many(usable, { assessed: ASSESSED }),
    ...many(poor, { assessed: { ...ASSESSED, usable: false, reason: "blurred" } }),
    ...many(faulty, { fault: "This is a PDF.", assessed: "unknown" }),
  ];
}

it.each([
  [photos(5), null],
  [photos(4), { more: 1 }],
  [photos(3, 2), null],
  [photos(2, 3), { more: 1 }],
  [photos(4, 0, 3), { more: 1 }],
  [[], { more: 5 }],
])("says what is missing (%#)", (given, missing) => {
  expect(lacking(given)).toEqual(missing);
});

it("waits for photos that are looked at", () => {
  expect(lacking([...photos(5), photoOf(BYTES)])).toBe("checking");
});

it("sends ten at most, and no file that is no photo", () => {
  expect([sendable(photos(12)).length, sendable(photos(2, 1, 4)).length]).toEqual([10, 3]);
});

it("gives each photo its own verdict, whichever were left out", () => {
  const given = photos(2, 0, 1).toReversed();
  const verdict = { reason: "accepted", advice: null, quality_score: 0.8, liveness_score: 0.9 };
  const verdicts = [true, false].map((accepted) => ({ ...verdict, accepted }));
  const told = withVerdicts(given, sendable(given), verdicts);
  expect(told.map((photo) => photo.verdict?.accepted ?? null)).toEqual([null, true, false]);
});
