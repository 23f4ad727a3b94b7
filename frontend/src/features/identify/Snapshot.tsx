import { Aperture, EyeOff } from "lucide-react";
import { useEffect, useRef, useState, type RefObject } from "react";

import { type LiveCamera } from "@/shared/camera/camera";
import { CameraChoice } from "@/shared/camera/CameraChoice";
import { CameraFault } from "@/shared/camera/CameraFault";
import { CameraView, type FaceBox } from "@/shared/camera/CameraView";
import { FrameEncoder } from "@/shared/camera/frame-encoder";
import { Guidance } from "@/shared/camera/Guidance";
import { PHOTO, useAssessment } from "@/shared/camera/use-assessment";
import { useCamera } from "@/shared/camera/use-camera";
import { usePageHidden } from "@/shared/camera/use-page-hidden";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Card } from "@/shared/ui/Page";
import { Loading } from "@/shared/ui/States";

import styles from "./IdentifyPage.module.css";

const words = text.identify;
const PICTURE = { widthPx: 1280, heightPx: 720 };

interface Props {
  /** Whether the service may be asked how good the picture is; that takes the permission to enrol. */
  readonly guided: boolean;
  readonly onTaken: (photo: Blob) => void;
  readonly onBack: () => void;
}

/** The camera, until a picture is taken. */
export function Snapshot({ guided, onTaken, onBack }: Props) {
  const { camera, state } = useCamera(PICTURE);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    void camera.start();
  }, [camera]);
  const [hidden, setHidden] = useState(false);
  const start = () => {
    setHidden(false);
    void camera.start();
  };
  usePageHidden(() => {
    if (state.state !== "live") return;
    camera.stop();
    setHidden(true);
  });

  const take = async () => {
    const encoder = new FrameEncoder(PHOTO);
    const photo = video.current === null ? null : await encoder.encode(video.current);
    encoder.close();
    if (photo !== null) onTaken(photo);
  };

  return (
    <Card>
      {state.state === "live" ? (
        <>
          {guided ? <Guided camera={state} video={video} /> : <Plain camera={state} video={video} />}
          <div className={styles["ways"]}>
            <CameraChoice camera={state} onChoose={(deviceId) => void camera.start(deviceId)} />
            <Button onPress={onBack}>{text.common.cancel}</Button>
            <Button tone="primary" onPress={() => void take()}>
              <Aperture aria-hidden="true" />
              {words.take}
            </Button>
          </div>
        </>
      ) : hidden ? (
        <>
          <Guidance words={text.camera.hidden} icon={<EyeOff aria-hidden="true" />} />
          <div className={styles["ways"]}>
            <Button onPress={onBack}>{text.common.back}</Button>
            <Button tone="primary" onPress={start}>
              {text.camera.retry}
            </Button>
          </div>
        </>
      ) : state.state === "idle" || state.state === "asking" ? (
        <Loading label={state.state === "asking" ? text.camera.asking : words.starting} />
      ) : (
        <CameraFault
          trouble={state.state}
          onRetry={start}
          otherwise={<Button onPress={onBack}>{words.another}</Button>}
        />
      )}
    </Card>
  );
}

interface ViewProps {
  readonly camera: LiveCamera;
  readonly video: RefObject<HTMLVideoElement | null>;
}

function Plain({ camera, video }: ViewProps) {
  return (
    <>
      <CameraView camera={camera} videoRef={video} face={null} />
      <Guidance words={words.look} />
    </>
  );
}

function Guided({ camera, video }: ViewProps) {
  const { seen, problem } = useAssessment(video, camera.stream, () => undefined);
  const face = (seen?.face ?? null) as FaceBox | null;
  const says = problem?.detail ?? (seen === null ? words.look : seen.usable ? words.good : (seen.advice ?? words.look));
  return (
    <>
      <CameraView camera={camera} videoRef={video} face={face} tone={seen?.usable === true ? "good" : "waiting"} />
      <Guidance words={says} />
    </>
  );
}
