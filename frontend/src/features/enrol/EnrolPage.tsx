import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";
import { Spinner } from "@/shared/ui/Spinner";
import { Steps } from "@/shared/ui/Steps";

import { CapturePhotos } from "./CapturePhotos";
import { Enrolled } from "./Enrolled";
import { EnrolForm, type Method } from "./EnrolForm";
import { FilePhotos } from "./FilePhotos";
import { sendable, type Photo } from "./photos";
import { register, type Registered } from "./register";
import { Sending } from "./Sending";
import { usePhotos } from "./use-photos";

const VoiceEnrol = lazy(() => import("./VoiceEnrol").then(({ VoiceEnrol: step }) => ({ default: step })));

type Step =
  | { readonly step: "form" }
  | { readonly step: Method; readonly problem: ApiProblem | null }
  | { readonly step: "sending"; readonly method: Method; readonly share: number }
  | { readonly step: "enrolled"; readonly answer: Registered }
  | { readonly step: "voice"; readonly answer: Registered };

const FORM: Step = { step: "form" };

/** Who, with which consent, with which photos; then the registration, and what became of it. */
export function EnrolPage() {
  const [userId, setUserId] = useState("");
  const [agreed, setAgreed] = useState(false);
  const [step, setStep] = useState<Step>(FORM);
  const info = useQuery(systemInfoQuery);
  const photos = usePhotos(info.data?.max_image_bytes ?? null);
  const left = useRef<AbortController | null>(null);
  useEffect(() => () => left.current?.abort(), []);

  const send = (method: Method) => {
    const chosen = sendable(photos.photos);
    const going = new AbortController();
    left.current = going;
    const onSent = (share: number) => setStep({ step: "sending", method, share });
    onSent(0);
    register({ userId, photos: chosen.map(({ bytes }) => bytes), onSent, signal: going.signal })
      .then((answer) => {
        photos.clear();
        setStep({ step: "enrolled", answer });
      })
      .catch((error: unknown) => {
        if (going.signal.aborted) return;
        const problem = asProblem(error);
        photos.tell(chosen, verdictsOf(problem));
        setStep({ step: method, problem });
      });
  };
  const anew = () => {
    photos.clear();
    setUserId("");
    setAgreed(false);
    setStep(FORM);
  };

  const toForm = () => setStep(FORM);
  return (
    <Page title={text.enrol.title} intro={text.enrol.intro} narrow={step.step !== "camera"}>
      <Steps phase={phaseOf(step)}>
        {step.step === "form" && (
          <EnrolForm
            userId={userId}
            agreed={agreed}
            photosKept={info.data?.images_stored ?? false}
            onAgree={setAgreed}
            onChoose={(given, method) => {
              setUserId(given);
              setStep({ step: method, problem: null });
            }}
          />
        )}
        {step.step === "camera" && (
          <CapturePhotos photos={photos} problem={step.problem} onSend={() => send("camera")} onBack={toForm} />
        )}
        {step.step === "files" && (
          <FilePhotos photos={photos} problem={step.problem} onSend={() => send("files")} onBack={toForm} />
        )}
        {step.step === "sending" && <Sending share={step.share} />}
        {step.step === "enrolled" && (
          <Enrolled
            answer={step.answer}
            onVoice={info.data?.voice === true ? () => setStep({ step: "voice", answer: step.answer }) : null}
            onAnother={anew}
          />
        )}
        {step.step === "voice" && (
          <Suspense fallback={<Spinner />}>
            <VoiceEnrol userId={step.answer.user_id} onAnother={anew} />
          </Suspense>
        )}
      </Steps>
    </Page>
  );
}

function phaseOf(step: Step): string {
  return "problem" in step && step.problem !== null ? "refused" : step.step;
}

function verdictsOf({ body }: ApiProblem): NonNullable<Photo["verdict"]>[] {
  const samples = body["samples"];
  return Array.isArray(samples) ? (samples as NonNullable<Photo["verdict"]>[]) : [];
}
