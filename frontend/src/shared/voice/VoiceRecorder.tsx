import { Mic, Square } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";

import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import { MOST_SECONDS, Recorder } from "./recorder";

import styles from "./VoiceRecorder.module.css";

const words = text.voice;
const FEWEST_SECONDS = 3;

interface Props {
  /** What is to be read aloud. */
  readonly sentence: string;
  /** Told when the recording begins and, with it, when it is done. */
  readonly onRecorded: (recording: File) => void;
  readonly onBegin?: () => void;
}

/** A sentence to read aloud, a button, and how loud it is. */
export function VoiceRecorder({ sentence, onRecorded, onBegin }: Props) {
  const [recorder] = useState(() => new Recorder());
  const state = useSyncExternalStore(recorder.subscribe, recorder.current);
  useEffect(() => {
    globalThis.addEventListener("pagehide", recorder.stop);
    return () => {
      globalThis.removeEventListener("pagehide", recorder.stop);
      recorder.stop();
    };
  }, [recorder]);

  const begin = () => {
    onBegin?.();
    void recorder.record().then((recorded) => {
      if (recorded !== null) onRecorded(new File([recorded], "voice.wav", { type: "audio/wav" }));
    });
  };
  const recording = state.state === "recording";
  const fault = state.state in words.troubles ? words.troubles[state.state] : undefined;
  return (
    <div className={styles["recorder"]} data-recorder={state.state}>
      <p id="voice-sentence" className={styles["sentence"]}>
        {sentence}
      </p>
      <div
        className={styles["level"]}
        role="meter"
        aria-label={words.level}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={recording ? Math.round(100 * state.level) : 0}
      >
        <span style={{ transform: `scaleX(${recording ? state.level : 0})` }} />
      </div>
      <div className={styles["ways"]}>
        {recording ? (
          <Button tone="primary" size="large" isDisabled={state.seconds < FEWEST_SECONDS} onPress={recorder.finish}>
            <Square aria-hidden="true" />
            {words.finish}
          </Button>
        ) : (
          <Button
            tone="primary"
            size="large"
            isPending={state.state === "asking"}
            aria-describedby="voice-sentence"
            onPress={begin}
          >
            <Mic aria-hidden="true" />
            {words.record}
          </Button>
        )}
        {recording && <span className={styles["left"]}>{words.left(Math.ceil(MOST_SECONDS - state.seconds))}</span>}
      </div>
      <div role="status">
        {state.state === "asking" && words.asking}
        {recording && words.speak}
      </div>
      {fault !== undefined && (
        <p className={styles["fault"]} role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
