import { CloudOff, EyeOff, Hourglass, Lock, Wrench, type LucideIcon } from "lucide-react";
import { type ReactNode } from "react";

import { formatWait } from "@/shared/format/wait";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { useSecondsLeft } from "@/shared/ui/States";

import { Fallback } from "./Fallback";
import { Outcome } from "@/shared/ui/Outcome";
import { type Trouble, type TroubleKind } from "./trouble";

const words = text.signIn;

const ICONS: Readonly<Record<TroubleKind, LucideIcon>> = {
  locked: Lock,
  slow_down: Hourglass,
  unavailable: CloudOff,
  restarting: Hourglass,
  connection: CloudOff,
  unreachable: CloudOff,
  signed_out: Lock,
  not_allowed: Lock,
  operator: Wrench,
  protocol: Wrench,
  hidden: EyeOff,
};

interface Props {
  readonly trouble: Trouble;
  readonly onAgain: () => void;
  readonly onChange: () => void;
}

/** There was no decision: why, when to come back, and what to do. */
export function Broken({ trouble, onAgain, onChange }: Props) {
  const left = useSecondsLeft(trouble);
  const { title, how } = words.troubles[trouble.kind];
  const again = (
    <Button tone="primary" isDisabled={left > 0} onPress={onAgain}>
      {left > 0 ? words.againIn(formatWait(left)) : words.again}
    </Button>
  );
  return (
    <Outcome
      icon={ICONS[trouble.kind]}
      tone={trouble.kind === "hidden" ? "neutral" : "warn"}
      title={title}
      how={how}
      ways={
        <>
          {WAYS[trouble.kind] ?? again}
          <Button onPress={onChange}>{text.common.back}</Button>
        </>
      }
    >
      {trouble.kind === "locked" && <Fallback />}
    </Outcome>
  );
}

/** Where trying again would not help. */
const WAYS: Readonly<Partial<Record<TroubleKind, ReactNode>>> = {
  signed_out: (
    <ButtonLink tone="primary" href="/login?next=/sign-in">
      {words.logIn}
    </ButtonLink>
  ),
  not_allowed: (
    <ButtonLink tone="primary" href="/login?next=/sign-in">
      {words.logIn}
    </ButtonLink>
  ),
  protocol: (
    <Button tone="primary" onPress={() => globalThis.location.reload()}>
      {words.reload}
    </Button>
  ),
};
