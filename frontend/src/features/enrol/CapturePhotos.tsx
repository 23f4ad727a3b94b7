import { Check, EyeOff } from "lucide-react";
import { useEffect, useState } from "react";

import { type ApiProblem } from "@/shared/api/problem";
import { CameraFault } from "@/shared/camera/CameraFault";
import { Guidance } from "@/shared/camera/Guidance";
import { useCamera } from "@/shared/camera/use-camera";
import { usePageHidden } from "@/shared/camera/use-page-hidden";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Card } from "@/shared/ui/Page";
import { Loading } from "@/shared/ui/States";

import { PhotoGrid } from "./PhotoGrid";
import { MOST, photoOf, type Photo } from "./photos";
import { POSES, restOf, type Pose } from "./pose-plan";
import { Refusal } from "./Refusal";
import { SendBar } from "./SendBar";
import { type Photos } from "./use-photos";
import { Viewfinder } from "./Viewfinder";

import styles from "./CapturePhotos.module.css";

const words = text.enrol;
const PICTURE = { widthPx: 1280, heightPx: 720 };

interface Props {
  readonly photos: Photos;
  readonly problem: ApiProblem | null;
  readonly onSend: () => void;
  readonly onBack: () => void;
}

/** Photos from the camera: one pose after the other is asked for, and good photos are taken by themselves. */
export function CapturePhotos({ photos, problem, onSend, onBack }: Props) {
  const { camera, state } = useCamera(PICTURE);
  const [skipped, setSkipped] = useState<ReadonlySet<Pose>>(new Set());
  const [hidden, setHidden] = useState(false);
  const pose = nextPose(photos.photos, skipped);
  const done = pose === null;

  const start = () => {
    setHidden(false);
    void camera.start();
  };
  useEffect(() => {
    // It isn't on for longer than it is needed.
    if (done) camera.stop();
    else void camera.start();
  }, [camera, done]);
  usePageHidden(() => {
    if (state.state !== "live") return;
    camera.stop();
    setHidden(true);
  });

  const straight = photos.photos.find((photo) => photo.pose === "straight")?.assessed;
  return (
    <div className={styles["step"]}>
      {problem !== null && <Refusal problem={problem} onChangeId={onBack} />}
      <div className={styles["sides"]}>
        <Card title={words.capture} hint={words.captureFacts}>
          {done ? (
            <Guidance words={words.done} icon={<Check aria-hidden="true" />} />
          ) : hidden ? (
            <div className={styles["hidden"]}>
              <Guidance words={text.camera.hidden} icon={<EyeOff aria-hidden="true" />} />
              <Button tone="primary" onPress={start}>
                {text.common.retry}
              </Button>
            </div>
          ) : state.state === "live" ? (
            <Viewfinder
              camera={state}
              pose={pose}
              rest={typeof straight === "object" ? restOf(straight) : null}
              onPhoto={(bytes, assessed) => photos.add([photoOf(bytes, { pose, assessed })])}
              onSkip={() => setSkipped((before) => new Set([...before, pose]))}
              onChoose={(deviceId) => void camera.start(deviceId)}
            />
          ) : state.state === "idle" || state.state === "asking" ? (
            <Loading label={state.state === "asking" ? text.camera.asking : words.phases.camera} />
          ) : (
            <CameraFault
              trouble={state.state}
              onRetry={start}
              otherwise={<Button onPress={onBack}>{words.another}</Button>}
            />
          )}
        </Card>
        <Card
          title={words.photos}
          actions={<span className={styles["count"]}>{words.taken(photos.photos.length, POSES.length)}</span>}
        >
          {photos.photos.length === 0 && <p className={styles["none"]}>{words.noneYet}</p>}
          <PhotoGrid
            photos={photos.photos}
            onRemove={(id) => {
              const gone = photos.photos.find((photo) => photo.id === id)?.pose;
              if (gone) setSkipped((before) => new Set([...before, gone]));
              photos.remove(id);
            }}
            onRetake={({ id, pose: again }) => {
              setSkipped((before) => new Set([...before].filter((one) => one !== again)));
              photos.remove(id);
            }}
          />
          {done && skipped.size > 0 && photos.photos.length < MOST && (
            <Button onPress={() => setSkipped(new Set())}>{words.more}</Button>
          )}
        </Card>
      </div>
      <SendBar photos={photos.photos} onSend={onSend} onBack={onBack} />
    </div>
  );
}

function nextPose(photos: readonly Photo[], skipped: ReadonlySet<Pose>): Pose | null {
  if (photos.length >= MOST) return null;
  return POSES.find((pose) => !skipped.has(pose) && !photos.some((photo) => photo.pose === pose)) ?? null;
}
