import { useEffect, useState } from "react";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { assess } from "@/shared/photo/assess";
import { faultOfPhoto } from "@/shared/photo/photo-file";

import { MOST, photoOf, withVerdicts, type Photo } from "./photos";

const SHOWN = 3 * MOST; // files that are no photos count, too
const TRIES = 3;
const LATER_S = 2;

type Checked = Pick<Photo, "fault" | "assessed">;

/** The photos of one enrolment. Files are looked at one after the other; nothing is kept beyond this page. */
export function usePhotos(mostBytes: number | null) {
  const [photos, setPhotos] = useState<readonly Photo[]>([]);
  const next = photos.find(({ assessed, fault }) => assessed === "checking" && fault === null);

  useEffect(() => {
    if (next === undefined) return;
    const left = new AbortController();
    void checked(next.bytes, mostBytes, left.signal).then((found) => {
      if (found === null) return;
      setPhotos((before) => before.map((photo) => (photo.id === next.id ? { ...photo, ...found } : photo)));
    });
    return () => left.abort();
  }, [next, mostBytes]);

  return {
    photos,
    tooMany: photos.filter(({ fault }) => fault === null).length > MOST,
    add: (given: readonly Photo[]) => {
      setPhotos((before) => [...before, ...given].slice(0, SHOWN));
    },
    addFiles(files: readonly File[]) {
      this.add(files.map((file) => photoOf(file, { name: file.name })));
    },
    remove: (id: number) => {
      setPhotos((before) => before.filter((photo) => photo.id !== id));
    },
    tell: (sent: readonly Photo[], verdicts: NonNullable<Photo["verdict"]>[]) =>
      setPhotos((before) => withVerdicts(before, sent, verdicts)),
    clear: () => {
      setPhotos([]);
    },
  };
}

export type Photos = ReturnType<typeof usePhotos>;

/** What is to be said of one file; null when nobody waits for it any more. */
async function checked(bytes: Blob, mostBytes: number | null, signal: AbortSignal): Promise<Checked | null> {
  const fault = await faultOfPhoto(bytes, mostBytes);
  if (fault !== null) return { fault, assessed: "unknown" };
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      return { fault: null, assessed: await assess(bytes, signal) };
    } catch (error) {
      if (signal.aborted) return null;
      const problem = asProblem(error);
      if (isAboutThePhoto(problem)) return { fault: problem.detail, assessed: "unknown" };
      if (!problem.passes) break;
      await new Promise((resolve) => setTimeout(resolve, 1000 * (problem.retryAfterS ?? LATER_S)));
    }
  }
  // It can be sent all the same; the registration judges it anyway.
  return signal.aborted ? null : { fault: null, assessed: "unknown" };
}

function isAboutThePhoto({ status, code }: ApiProblem): boolean {
  return status === 413 || status === 415 || code.startsWith("image_");
}
