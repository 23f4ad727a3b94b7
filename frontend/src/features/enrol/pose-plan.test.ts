import { describe, expect, it } from "vitest";

import { type Assessed } from "@/shared/photo/assess";

import { takes, type Asked, type Pose } from "./pose-plan";

const REST = { yawDeg: 4, pitchDeg: -2, facePx: 180 };

function asked(pose: Pose, more: Partial<Asked> = {}): Asked {
  return { pose, sinceMs: 0, takenMs: -10_000, rest: REST, ...more };
}

function seen({ yaw = 4, pitch = -2, px = 180, overall = 0.8, usable = true } = {}): Assessed {
  const measured = { sharpness: 1, brightness: 1, contrast: 1, occlusion: 1, roll_deg: 0 };
  const quality = { overall, yaw_deg: yaw, pitch_deg: pitch, face_px: px, ...measured };
  return { usable, reason: usable ? null : "blurred", advice: null, quality, face: [0, 0, 1, 1] };
}

describe("a photo is taken when the face does what was asked", () => {
  it.each([
    ["straight", seen(), true],
    ["straight", seen({ yaw: 30 }), false],
    ["left", seen({ yaw: 16 }), true],
    ["left", seen({ yaw: 8 }), false],
    ["left", seen({ yaw: 60 }), false],
    ["right", seen({ yaw: -10 }), true],
    ["right", seen({ yaw: 16 }), false],
    ["up", seen({ pitch: 4 }), true],
    ["down", seen({ pitch: -8 }), true],
    ["down", seen({ pitch: 4 }), false],
    ["closer", seen({ px: 210 }), true],
    ["closer", seen({ px: 185 }), false],
  ] as const)("%s (%#)", (pose, face, taken) => {
    expect(takes(asked(pose), face, 1000)).toBe(taken);
  });

  it("gives time to smile", () => {
    expect([takes(asked("smile"), seen(), 1000), takes(asked("smile"), seen(), 1600)]).toEqual([false, true]);
  });
});

it("never takes a poor photo, however long it takes", () => {
  expect(takes(asked("straight"), seen({ overall: 0.3 }), 60_000)).toBe(false);
  expect(takes(asked("straight"), seen({ usable: false }), 60_000)).toBe(false);
});

it("takes what there is from people who can't do what is asked", () => {
  expect([takes(asked("up"), seen(), 5000), takes(asked("up"), seen(), 6000)]).toEqual([false, true]);
});

it("keeps two photos apart", () => {
  expect(takes(asked("straight", { takenMs: 500 }), seen(), 1000)).toBe(false);
});
