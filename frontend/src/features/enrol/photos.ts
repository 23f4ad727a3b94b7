import { type Schemas } from "@/shared/api/client";
import { type Assessed } from "@/shared/photo/assess";

import { type Pose } from "./pose-plan";

export const FEWEST = 5;
export const MOST = 10;
const FEWEST_USABLE = 3;

/** One photo that may become part of an enrolment. */
export interface Photo {
  readonly id: number;
  readonly bytes: Blob;
  readonly name: string | null;
  /** For which of the asked poses it was taken. */
  readonly pose: Pose | null;
  /** Why the file can't be sent at all. */
  readonly fault: string | null;
  readonly assessed: Assessed | "checking" | "unknown";
  /** What the service made of it, once it was sent. */
  readonly verdict: Schemas["SampleVerdict"] | null;
}

let made = 0;

export function photoOf(bytes: Blob, more: Partial<Omit<Photo, "id" | "bytes">> = {}): Photo {
  made += 1;
  return { id: made, bytes, name: null, pose: null, fault: null, assessed: "checking", verdict: null, ...more };
}

/** Those that can be sent. */
export function sendable(photos: readonly Photo[]): readonly Photo[] {
  return photos.filter(({ fault }) => fault === null).slice(0, MOST);
}

/** What is still missing before they can be sent. */
export function lacking(photos: readonly Photo[]): "checking" | { readonly more: number } | null {
  if (photos.some(({ assessed, fault }) => fault === null && assessed === "checking")) return "checking";
  const ready = sendable(photos);
  const usable = ready.filter(({ assessed }) => assessed === "unknown" || (assessed !== "checking" && assessed.usable));
  const more = Math.max(FEWEST - ready.length, FEWEST_USABLE - usable.length);
  return more > 0 ? { more } : null;
}

/** The photos with what the service said of those that were sent, in their order. */
export function withVerdicts(
  photos: readonly Photo[],
  sent: readonly Photo[],
  verdicts: readonly Schemas["SampleVerdict"][],
): readonly Photo[] {
  const of = new Map(sent.map(({ id }, place) => [id, verdicts[place] ?? null]));
  return photos.map((photo) => ({ ...photo, verdict: of.get(photo.id) ?? null }));
}
