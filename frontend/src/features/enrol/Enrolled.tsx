import { CircleCheck } from "lucide-react";

import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { More } from "@/shared/ui/More";
import { Outcome } from "@/shared/ui/Outcome";
import { Card, Facts } from "@/shared/ui/Page";

import { type Registered } from "./register";
import { Verdicts } from "./Verdicts";

const words = text.enrol;

/** The person is enrolled: what was taken, and where to go from here. */
export function Enrolled({
  answer,
  onVoice,
  onAnother,
}: {
  readonly answer: Registered;
  /** Where a voice can be enrolled, too. */
  readonly onVoice: (() => void) | null;
  readonly onAnother: () => void;
}) {
  return (
    <Card>
      <Outcome
        icon={CircleCheck}
        tone="good"
        title={words.enrolled(answer.user_id)}
        how={words.enrolledHow(answer.valid_samples, answer.samples_processed)}
        ways={
          <>
            <ButtonLink tone="primary" href="/sign-in">
              {words.trySigningIn}
            </ButtonLink>
            {onVoice !== null && <Button onPress={onVoice}>{text.voice.enrol.add}</Button>}
            <Button onPress={onAnother}>{words.enrolAnother}</Button>
          </>
        }
      >
        <More summary={text.signIn.details}>
          <Facts
            facts={[
              [words.quality, formatScore(answer.avg_quality_score)],
              [words.liveness, formatScore(answer.avg_liveness_score)],
            ]}
          />
          <Verdicts samples={answer.samples} />
        </More>
      </Outcome>
    </Card>
  );
}
