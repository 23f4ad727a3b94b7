import { CircleCheck, CircleX } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { answerOf, api, form, type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { CameraFault } from "@/shared/camera/CameraFault";
import { CameraView } from "@/shared/camera/CameraView";
import { FrameEncoder } from "@/shared/camera/frame-encoder";
import { useCamera } from "@/shared/camera/use-camera";
import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { More } from "@/shared/ui/More";
import { Notice } from "@/shared/ui/Notice";
import { Outcome } from "@/shared/ui/Outcome";
import { Facts } from "@/shared/ui/Page";
import { Spinner } from "@/shared/ui/Spinner";
import { sentences } from "@/shared/voice/sentences";
import { VoiceRecorder } from "@/shared/voice/VoiceRecorder";

import styles from "./VoiceStep.module.css";

const words = text.voice;
const PICTURE = { widthPx: 640, heightPx: 480 };
const FRAME = { mostWidthPx: 640, mostHeightPx: 480, quality: 0.9 };
const TAKEN_AFTER_MS = 700; // by then the camera has found its light

type Answer = Schemas["Authentication"];

interface Props {
  readonly userId: string;
  readonly onAgain: () => void;
  readonly onOther: () => void;
}

/**
 * After the face, the voice: one recording and one picture that is taken meanwhile, decided together by the service.
 *
 * Everybody is asked: asking only those who have a voice enrolled would tell who they are.
 */
export function VoiceStep({ userId, onAgain, onOther }: Props) {
  const { camera, state } = useCamera(PICTURE);
  const video = useRef<HTMLVideoElement>(null);
  // Not a state: whoever began to record must see the picture that was taken since.
  const picture = useRef<Blob | null>(null);
  const [sentence, setSentence] = useState(() => sentences(1)[0] ?? "");
  const [sending, setSending] = useState(false);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    void camera.start();
  }, [camera]);
  const over = answer !== null && answer.advice === null;
  useEffect(() => {
    if (over) camera.stop();
  }, [over, camera]);

  const take = () => {
    setFault(null);
    picture.current = null;
    setTimeout(() => {
      const encoder = new FrameEncoder(FRAME);
      void (video.current === null ? Promise.resolve(null) : encoder.encode(video.current))
        .then((taken) => {
          picture.current = taken;
        })
        .finally(() => encoder.close());
    }, TAKEN_AFTER_MS);
  };
  const send = (voice: File) => {
    setSentence(sentences(1)[0] ?? "");
    if (picture.current === null) {
      setFault(words.signIn.noCamera);
      return;
    }
    setSending(true);
    answerOf(api.POST("/api/v1/authenticate", form({ user_id: userId, image: picture.current, voice })))
      .then((told) => {
        setAnswer(told);
        setFault(told.advice);
      })
      .catch((error: unknown) => setFault(asProblem(error).detail))
      .finally(() => setSending(false));
  };

  if (over) return <Answered answer={answer} userId={userId} onAgain={onAgain} onOther={onOther} />;
  return (
    <section className={styles["step"]} data-voice={sending ? "sending" : "asking"}>
      <h2 ref={heading} tabIndex={-1}>
        {words.signIn.title}
      </h2>
      <p>{words.signIn.how}</p>
      {fault !== null && (
        <Notice tone="bad" title={words.signIn.notSure}>
          {fault}
        </Notice>
      )}
      {state.state === "live" ? (
        <>
          <CameraView camera={state} videoRef={video} face={null} tone="good" />
          {sending ? (
            <p role="status">
              <Spinner /> {words.sending}
            </p>
          ) : (
            <VoiceRecorder sentence={sentence} onBegin={take} onRecorded={send} />
          )}
        </>
      ) : state.state === "idle" || state.state === "asking" ? (
        <Spinner />
      ) : (
        <CameraFault trouble={state.state} onRetry={() => void camera.start()} />
      )}
      <p className={styles["small"]}>{words.signIn.picture}</p>
      <div>
        <Button onPress={onOther}>{text.common.back}</Button>
      </div>
    </section>
  );
}

function Answered({ answer, userId, onAgain, onOther }: Props & { readonly answer: Answer }) {
  const { authenticated, voice } = answer;
  const scores = (
    <More summary={text.signIn.details}>
      <Facts
        facts={[
          [text.signIn.scores.confidence, shown(answer.confidence)],
          [words.signIn.score, shown(voice?.score ?? null)],
          [words.signIn.fused, shown(voice?.fused ?? null)],
        ]}
      />
    </More>
  );
  if (authenticated) {
    return (
      <div data-voice="accepted">
        <Outcome
          icon={CircleCheck}
          tone="good"
          title={text.signIn.welcome(userId)}
          how={voice?.reason === "voice_match" ? words.signIn.matched : words.signIn.notEnrolled}
          ways={<Button onPress={onOther}>{text.signIn.another}</Button>}
        >
          {scores}
        </Outcome>
      </div>
    );
  }
  const byVoice = answer.reason === "voice_no_match";
  const known = text.signIn.reasons[answer.reason];
  return (
    <div data-voice="refused">
      <Outcome
        icon={CircleX}
        tone="bad"
        title={byVoice ? words.signIn.noMatch : (known?.title ?? text.signIn.notSure)}
        how={byVoice ? words.signIn.noMatchHow : (known?.how ?? text.signIn.notSureHow)}
        ways={
          <>
            <Button tone="primary" onPress={onAgain}>
              {text.signIn.again}
            </Button>
            <Button onPress={onOther}>{text.signIn.change}</Button>
          </>
        }
      >
        {scores}
      </Outcome>
    </div>
  );
}

function shown(score: number | null): string {
  return score === null ? text.signIn.hiddenScore : formatScore(score);
}
