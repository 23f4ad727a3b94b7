import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";

import { type CameraState } from "@/shared/camera/camera";
import { CameraFault } from "@/shared/camera/CameraFault";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Card, Page } from "@/shared/ui/Page";
import { Spinner } from "@/shared/ui/Spinner";
import { Steps } from "@/shared/ui/Steps";

import { Broken } from "./Broken";
import { Decided } from "./Decided";
import { type LiveState } from "./live-session";
import { LiveView } from "./LiveView";
import { useAttempt } from "./use-attempt";
import { WhoForm } from "./WhoForm";

const VoiceStep = lazy(() => import("./VoiceStep").then(({ VoiceStep: step }) => ({ default: step })));

/** Say who you are, look at the camera, and be let in or told why not. */
export function SignInPage() {
  const [userId, setUserId] = useState("");
  const { picture, live, state, begin, end } = useAttempt();
  const voice = useQuery(systemInfoQuery).data?.voice === true;
  const again = () => begin(userId);
  const other = () => {
    setUserId("");
    end();
  };

  return (
    <Page title={text.signIn.title} intro={text.signIn.intro} narrow>
      <Steps phase={phaseOf(state, picture, voice)}>
        <Card>
          {live === null ? (
            <WhoForm
              userId={userId}
              onStart={(given) => {
                setUserId(given);
                begin(given);
              }}
            />
          ) : voice && state?.phase === "decided" && state.decision.authenticated ? (
            <Suspense fallback={<Spinner />}>
              <VoiceStep userId={userId} onAgain={again} onOther={other} />
            </Suspense>
          ) : state?.phase === "decided" ? (
            <Decided decision={state.decision} userId={userId} onAgain={again} onChange={end} onOther={other} />
          ) : state?.phase === "broken" ? (
            <Broken key={live.number} trouble={state.trouble} onAgain={again} onChange={end} />
          ) : picture.state === "idle" || picture.state === "asking" || picture.state === "live" ? (
            <LiveView
              camera={picture}
              live={live}
              state={state}
              onChoose={(deviceId) => begin(userId, deviceId)}
              onStop={end}
            />
          ) : (
            <CameraFault
              trouble={picture.state}
              onRetry={again}
              otherwise={<Button onPress={end}>{text.common.back}</Button>}
            />
          )}
        </Card>
      </Steps>
    </Page>
  );
}

function phaseOf(state: LiveState | null, picture: CameraState, voice: boolean): string {
  if (state === null) return "who";
  if (state.phase === "decided") return state.decision.authenticated ? (voice ? "voice" : "authenticated") : "refused";
  if (state.phase === "broken") return `broken-${state.trouble.kind}`;
  if (picture.state !== "live") return `camera-${picture.state}`;
  if (state.phase !== "watching") return state.phase;
  if (state.challenge !== null) return "challenge";
  return state.progress >= 1 ? "deciding" : "watching";
}
