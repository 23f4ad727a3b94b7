import { CircleCheck } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { answerOf, api, form, type Schemas } from "@/shared/api/client";
import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { Checkbox } from "@/shared/ui/Choice";
import { Notice } from "@/shared/ui/Notice";
import { Outcome } from "@/shared/ui/Outcome";
import { Card } from "@/shared/ui/Page";
import { Spinner } from "@/shared/ui/Spinner";
import { sentences } from "@/shared/voice/sentences";
import { VoiceRecorder } from "@/shared/voice/VoiceRecorder";

import { VOICE_CONSENT } from "./consent";

import styles from "./VoiceEnrol.module.css";

const words = text.voice.enrol;
const RECORDINGS = 3;

type Verdict = Schemas["RecordingVerdict"];

type Step =
  | { readonly step: "consent" }
  | { readonly step: "record"; readonly read: readonly string[]; readonly done: readonly File[] }
  | { readonly step: "sending" }
  | { readonly step: "refused"; readonly problem: ApiProblem }
  | { readonly step: "enrolled" };

interface Props {
  readonly userId: string;
  readonly onAnother: () => void;
}

/** A consent of its own, three sentences, and a voice is enrolled beside the face. */
export function VoiceEnrol({ userId, onAnother }: Props) {
  const [step, setStep] = useState<Step>({ step: "consent" });
  const heading = useRef<HTMLHeadingElement>(null);
  const number = step.step === "record" ? step.done.length + 1 : 0;
  useEffect(() => heading.current?.focus(), [step.step, number]);
  const begin = () => setStep({ step: "record", read: sentences(RECORDINGS), done: [] });

  const send = (recordings: readonly File[]) => {
    setStep({ step: "sending" });
    answerOf(
      api.POST(
        "/api/v1/voice/enrol",
        form({ user_id: userId, recordings, consent_text_version: VOICE_CONSENT.textVersion }),
      ),
    )
      .then(() => setStep({ step: "enrolled" }))
      .catch((error: unknown) => setStep({ step: "refused", problem: asProblem(error) }));
  };
  const recorded = (recording: File) => {
    if (step.step !== "record") return;
    const done = [...step.done, recording];
    if (done.length < RECORDINGS) setStep({ ...step, done });
    else send(done);
  };

  if (step.step === "enrolled") {
    return (
      <Card>
        <div data-voice="enrolled">
          <Outcome
            icon={CircleCheck}
            tone="good"
            title={words.done}
            how={words.doneHow(userId)}
            ways={
              <>
                <ButtonLink tone="primary" href="/sign-in">
                  {text.enrol.trySigningIn}
                </ButtonLink>
                <Button onPress={onAnother}>{text.enrol.enrolAnother}</Button>
              </>
            }
          />
        </div>
      </Card>
    );
  }
  return (
    <Card>
      <section className={styles["step"]} data-voice={step.step}>
        <h2 ref={heading} tabIndex={-1}>
          {step.step === "record" ? words.number(number, RECORDINGS) : words.title}
        </h2>
        {step.step === "consent" && <Consent onAgreed={begin} />}
        {step.step === "record" && (
          <VoiceRecorder key={number} sentence={step.read[number - 1] ?? ""} onRecorded={recorded} />
        )}
        {step.step === "sending" && (
          <p role="status">
            <Spinner /> {text.voice.sending}
          </p>
        )}
        {step.step === "refused" && <Refused problem={step.problem} onAgain={begin} />}
      </section>
    </Card>
  );
}

function Consent({ onAgreed }: { readonly onAgreed: () => void }) {
  const [agreed, setAgreed] = useState(false);
  const [missing, setMissing] = useState(false);
  return (
    <>
      <p>{words.consent}</p>
      <p className={styles["small"]}>{words.weak}</p>
      <Checkbox isSelected={agreed} isInvalid={missing && !agreed} onChange={setAgreed}>
        {words.agree}
      </Checkbox>
      {missing && !agreed && (
        <p className={styles["fault"]} role="alert">
          {words.mustAgree}
        </p>
      )}
      <div>
        <Button tone="primary" onPress={() => (agreed ? onAgreed() : setMissing(true))}>
          {words.start}
        </Button>
      </div>
    </>
  );
}

function Refused({ problem, onAgain }: { readonly problem: ApiProblem; readonly onAgain: () => void }) {
  const told = problem.body["samples"];
  const verdicts = Array.isArray(told) ? (told as Verdict[]) : [];
  return (
    <>
      <Notice tone="bad" title={words.refused}>
        {verdicts.length === 0 ? (
          problem.detail
        ) : (
          <ol className={styles["verdicts"]}>
            {verdicts.map(({ advice }, place) => (
              <li key={place}>{advice ?? text.enrol.accepted}</li>
            ))}
          </ol>
        )}
      </Notice>
      <div>
        <Button tone="primary" onPress={onAgain}>
          {text.voice.again}
        </Button>
      </div>
    </>
  );
}
