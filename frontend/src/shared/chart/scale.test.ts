import { describe, expect, it } from "vitest";

import { axisOver, placeOn } from "./scale";

describe("axisOver", () => {
  it.each([
    [0.167, [0, 0.05, 0.1, 0.15, 0.2]],
    [1, [0, 0.25, 0.5, 0.75, 1]],
    [0.00087, [0, 0.00025, 0.0005, 0.00075, 0.001]],
    [37, [0, 10, 20, 30, 40]],
    [1.2, [0, 0.5, 1, 1.5]],
  ])("marks 0 to %f with %j", (largest, ticks) => {
    expect(axisOver(largest).ticks).toEqual(ticks);
    expect(axisOver(largest).end).toBe(ticks.at(-1));
  });

  it.each([0, -1, Number.NaN, Infinity])("has an axis for %f, too", (largest) => {
    expect(axisOver(largest)).toEqual({ end: 1, ticks: [0, 1] });
  });
});

it("places values, and what is beyond the ends at the ends", () => {
  const axis = axisOver(1);
  expect([placeOn(axis, 0.25), placeOn(axis, 3), placeOn(axis, -1)]).toEqual(["25.00%", "100.00%", "0.00%"]);
});
