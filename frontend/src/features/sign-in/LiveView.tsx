import { useEffect, useRef } from "react";

import { type CameraState, type LiveCamera } from "@/shared/camera/camera";
import { CameraChoice } from "@/shared/camera/CameraChoice";
import { CameraView, type OvalTone } from "@/shared/camera/CameraView";
import { Guidance } from "@/shared/camera/Guidance";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Spinner } from "@/shared/ui/Spinner";

import { Arrow } from "./Arrow";
import { type LiveSession, type LiveState, type Watching } from "./live-session";
import { Prompt } from "./Prompt";
import { useFrames } from "./use-attempt";

import styles from "./LiveView.module.css";

const words = text.signIn;

interface Props {
  readonly camera: CameraState;
  readonly live: LiveSession;
  readonly state: LiveState | null;
  readonly onChoose: (deviceId: string) => void;
  readonly onStop: () => void;
}

/** The picture, what to do, and how far it is. */
export function LiveView({ camera, live, state, onChoose, onStop }: Props) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.focus({ preventScroll: true }), []);
  const watching = state?.phase === "watching" ? state : null;
  return (
    <section className={styles["live"]} ref={section} tabIndex={-1} aria-label={words.stage}>
      {camera.state === "live" ? (
        <Picture camera={camera} live={live} watching={watching} />
      ) : (
        <div className={styles["waiting"]}>
          <Spinner />
        </div>
      )}
      {camera.state === "live" && watching?.challenge ? (
        <Prompt challenge={watching.challenge} time={watching.time} advice={adviceDuring(watching)} />
      ) : (
        <Guidance words={wordsOf(camera, watching)} />
      )}
      <div className={styles["ways"]}>
        {camera.state === "live" && <CameraChoice camera={camera} onChoose={onChoose} />}
        <Button onPress={onStop}>{words.cancel}</Button>
      </div>
    </section>
  );
}

function Picture({
  camera,
  live,
  watching,
}: {
  readonly camera: LiveCamera;
  readonly live: LiveSession;
  readonly watching: Watching | null;
}) {
  const video = useRef<HTMLVideoElement>(null);
  useFrames(video, camera, live);
  return (
    <CameraView
      camera={camera}
      videoRef={video}
      face={watching?.face ?? null}
      tone={toneOf(watching)}
      progress={watching?.progress ?? 0}
    >
      {watching?.challenge && <Arrow action={watching.challenge.action} mirrored={camera.mirrored} />}
    </CameraView>
  );
}

function toneOf(watching: Watching | null): OvalTone {
  return watching?.face == null || watching.advice !== null ? "waiting" : "good";
}

function wordsOf(camera: CameraState, watching: Watching | null): string {
  if (camera.state === "asking") return text.camera.asking;
  if (camera.state !== "live") return words.phases.camera;
  if (watching === null) return words.phases.connecting;
  if (watching.advice?.reason === "not_at_rest" && watching.time !== null) return words.phases.between;
  if (watching.advice !== null) return watching.advice.words;
  if (watching.progress >= 1) return words.phases.deciding;
  return watching.progress > 0 ? words.phases.holding : words.phases.looking;
}

const EXPECTED: ReadonlySet<string> = new Set(["turned_away", "blurred", "not_at_rest"]);

/** What a movement brings with it is no fault while the movement was asked for. */
function adviceDuring({ advice }: Watching): string | null {
  return advice === null || EXPECTED.has(advice.reason) ? null : advice.words;
}
