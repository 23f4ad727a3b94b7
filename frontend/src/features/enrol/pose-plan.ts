import { type Assessed } from "@/shared/photo/assess";

/** What is asked for, one after the other: an enrolment is good when its photos differ a little. */
export const POSES = ["straight", "left", "right", "up", "down", "smile", "closer"] as const;
export type Pose = (typeof POSES)[number];

export interface Rest {
  readonly yawDeg: number;
  readonly pitchDeg: number;
  readonly facePx: number;
}

/** What is known while one pose is asked for. */
export interface Asked {
  readonly pose: Pose;
  readonly sinceMs: number;
  /** The face as it looked straight; null until then. */
  readonly rest: Rest | null;
  /** When the last photo was taken. */
  readonly takenMs: number;
}

export const GOOD_ENOUGH = 0.5; // of `overall`: below it a photo can be used, but a better one is near

const APART_MS = 900; // so that two photos are never the same moment
const TO_SMILE_MS = 1500;
const PATIENCE_MS = 6000; // not everybody can or will do everything
const STRAIGHT_DEG = 15;
const TURN_DEG = 8;
const MOST_TURN_DEG = 32;
const TILT_DEG = 4; // the face mesh sees about half of a pitch
const CLOSER = 1.12;

/** Whether the face in front of the camera now is the photo that was asked for. */
export function takes(asked: Asked, { usable, quality }: Assessed, nowMs: number): boolean {
  if (!usable || quality === null || quality.overall < GOOD_ENOUGH) return false;
  if (nowMs - asked.takenMs < APART_MS) return false;
  if (nowMs - asked.sinceMs >= PATIENCE_MS) return true;
  const yaw = quality.yaw_deg - (asked.rest?.yawDeg ?? 0);
  const pitch = quality.pitch_deg - (asked.rest?.pitchDeg ?? 0);
  switch (asked.pose) {
    case "straight":
      return Math.abs(yaw) <= STRAIGHT_DEG && Math.abs(pitch) <= STRAIGHT_DEG;
    case "left":
      return yaw >= TURN_DEG && yaw <= MOST_TURN_DEG;
    case "right":
      return yaw <= -TURN_DEG && yaw >= -MOST_TURN_DEG;
    case "up":
      return pitch >= TILT_DEG;
    case "down":
      return pitch <= -TILT_DEG;
    case "smile":
      return Math.abs(yaw) <= STRAIGHT_DEG && nowMs - asked.sinceMs >= TO_SMILE_MS;
    case "closer":
      return quality.face_px >= CLOSER * (asked.rest?.facePx ?? Infinity);
  }
}

export function restOf({ quality }: Assessed): Rest | null {
  return quality === null ? null : { yawDeg: quality.yaw_deg, pitchDeg: quality.pitch_deg, facePx: quality.face_px };
}
