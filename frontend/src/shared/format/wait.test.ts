import { expect, it } from "vitest";

import { formatWait } from "./wait";

it.each([
  [0.2, "1 s"],
  [45, "45 s"],
  [121, "3 min"],
  [7201, "3 h"],
])("tells %d s as %s", (seconds, told) => {
  expect(formatWait(seconds)).toBe(told);
});
