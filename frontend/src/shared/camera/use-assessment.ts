import { useEffect, useEffectEvent, useState, type RefObject } from "react";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { assess, type Assessed } from "@/shared/photo/assess";

import { eachFrame } from "./each-frame";
import { FrameEncoder, type FrameSize } from "./frame-encoder";

const EVERY_MS = 330;
const LATER_S = 2;

/** Large enough for a good template, small enough to be judged at once. */
export const PHOTO: FrameSize = { mostWidthPx: 960, mostHeightPx: 720, quality: 0.92 };

export interface Assessment {
  readonly seen: Assessed | null;
  /** Why nothing is seen at the moment. */
  readonly problem: ApiProblem | null;
}

/** Asks about three times a second how good a photo of now would be. Pictures leave the page for that. */
export function useAssessment(
  video: RefObject<HTMLVideoElement | null>,
  stream: MediaStream,
  onSeen: (photo: Blob, seen: Assessed) => void,
): Assessment {
  const [assessment, setAssessment] = useState<Assessment>({ seen: null, problem: null });
  const told = useEffectEvent(onSeen);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    const encoder = new FrameEncoder(PHOTO);
    const left = new AbortController();
    let [busy, dueMs] = [false, 0];
    const gone = () => left.signal.aborted;
    const look = async () => {
      const photo = await encoder.encode(element);
      if (photo === null || gone()) return;
      try {
        const seen = await assess(photo, left.signal);
        if (gone()) return;
        setAssessment({ seen, problem: null });
        told(photo, seen);
      } catch (error) {
        if (gone()) return;
        const problem = asProblem(error);
        dueMs = problem.passes ? performance.now() + 1000 * (problem.retryAfterS ?? LATER_S) : Infinity;
        setAssessment({ seen: null, problem });
      }
    };
    const stop = eachFrame(element, () => {
      const nowMs = performance.now();
      if (busy || nowMs < dueMs) return;
      busy = true;
      dueMs = nowMs + EVERY_MS;
      void look().finally(() => (busy = false));
    });
    return () => {
      left.abort();
      stop();
      encoder.close();
    };
  }, [video, stream]);
  return assessment;
}
