import { useEffect, useRef } from "react";

import { type LiveCamera } from "@/shared/camera/camera";
import { CameraChoice } from "@/shared/camera/CameraChoice";
import { CameraView, type FaceBox } from "@/shared/camera/CameraView";
import { Guidance } from "@/shared/camera/Guidance";
import { useAssessment, type Assessment } from "@/shared/camera/use-assessment";
import { type Assessed } from "@/shared/photo/assess";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import { GOOD_ENOUGH, takes, type Pose, type Rest } from "./pose-plan";

import styles from "./Viewfinder.module.css";

const words = text.enrol;

interface Props {
  readonly camera: LiveCamera;
  readonly pose: Pose;
  readonly rest: Rest | null;
  readonly onPhoto: (photo: Blob, assessed: Assessed) => void;
  readonly onSkip: () => void;
  readonly onChoose: (deviceId: string) => void;
}

/** Watches for one pose and takes the photo when it is there. */
export function Viewfinder({ camera, pose, rest, onPhoto, onSkip, onChoose }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const asked = useRef({ sinceMs: 0, taken: true });
  useEffect(() => {
    asked.current = { sinceMs: performance.now(), taken: false };
  }, [pose]);
  const assessment = useAssessment(video, camera.stream, (photo, seen) => {
    // The photo before was taken when this pose began to be asked for.
    const { sinceMs, taken } = asked.current;
    if (taken || !takes({ pose, sinceMs, rest, takenMs: sinceMs }, seen, performance.now())) return;
    asked.current = { sinceMs, taken: true };
    onPhoto(photo, seen);
  });
  const face = assessment.seen?.face ?? null;
  return (
    <div className={styles["finder"]}>
      <CameraView
        camera={camera}
        videoRef={video}
        face={face as FaceBox | null}
        tone={assessment.seen?.usable === true ? "good" : "waiting"}
      />
      <Guidance words={wordsOf(pose, assessment)} />
      <div className={styles["ways"]}>
        <CameraChoice camera={camera} onChoose={onChoose} />
        <Button tone="quiet" onPress={onSkip}>
          {words.skip}
        </Button>
      </div>
    </div>
  );
}

function wordsOf(pose: Pose, { seen, problem }: Assessment): string {
  if (problem !== null) return problem.detail;
  if (seen !== null && !seen.usable) return seen.advice ?? words.better;
  if (seen?.quality != null && seen.quality.overall < GOOD_ENOUGH) return words.better;
  return words.poses[pose];
}
