import { expect, it } from "vitest";

import { fitted } from "./frame-encoder";

const SIZE = { mostWidthPx: 640, mostHeightPx: 480, quality: 0.85 };

it.each([
  [1280, 720, 640, 360],
  [1280, 960, 640, 480],
  [320, 240, 320, 240],
  [480, 640, 480, 640],
  [720, 1280, 360, 640],
])("%d x %d is sent as %d x %d", (width, height, sentWidth, sentHeight) => {
  expect(fitted(width, height, SIZE)).toEqual({ width: sentWidth, height: sentHeight });
});
