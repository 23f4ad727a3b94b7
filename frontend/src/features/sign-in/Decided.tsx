import { CircleCheck, CircleX, Hourglass, type LucideIcon } from "lucide-react";

import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import { Fallback } from "./Fallback";
import { Outcome } from "@/shared/ui/Outcome";
import { Scores } from "./Scores";
import { type Decision } from "./status";

const words = text.signIn;

interface Props {
  readonly decision: Decision;
  readonly userId: string;
  readonly onAgain: () => void;
  readonly onChange: () => void;
  readonly onOther: () => void;
}

/** Let in; or why not, and what helps. */
export function Decided({ decision, userId, onAgain, onChange, onOther }: Props) {
  if (decision.authenticated) {
    return (
      <Outcome
        icon={CircleCheck}
        tone="good"
        title={words.welcome(userId)}
        how={words.welcomeHow}
        ways={<Button onPress={onOther}>{words.another}</Button>}
      >
        <Scores decision={decision} />
      </Outcome>
    );
  }
  const known = words.reasons[decision.reason];
  return (
    <Outcome
      icon={iconOf(decision)}
      tone="bad"
      title={known?.title ?? words.notSure}
      how={known?.how ?? decision.advice ?? words.notSureHow}
      ways={
        <>
          <Button tone="primary" onPress={onAgain}>
            {words.again}
          </Button>
          <Button onPress={onChange}>{words.change}</Button>
        </>
      }
    >
      <Fallback />
      <Scores decision={decision} />
    </Outcome>
  );
}

function iconOf({ reason }: Decision): LucideIcon {
  return reason === "challenge_expired" ? Hourglass : CircleX;
}
