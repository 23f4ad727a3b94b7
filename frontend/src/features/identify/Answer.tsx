import { CircleCheck, CircleHelp, CircleX, ImageOff, Users } from "lucide-react";
import { type ReactNode } from "react";

import { type Schemas } from "@/shared/api/client";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { ButtonLink } from "@/shared/ui/Button";
import { Outcome } from "@/shared/ui/Outcome";

import { Matches } from "./Matches";

const words = text.identify;

/** Who it is; or an honest nobody; or why it can't be told. */
export function Answer({ answer }: { readonly answer: Schemas["Identified"] }): ReactNode {
  const mayEnrol = useMay("enrol");
  const { found, matches, reason, advice, threshold, total_users_checked: count } = answer;
  const [first] = matches;

  if (found && first !== undefined) {
    const several = matches.length > 1;
    return (
      <Outcome
        icon={several ? Users : CircleCheck}
        tone={several ? "warn" : "good"}
        title={several ? words.foundSeveral : words.found(first.user_id)}
        how={several ? words.severalHow(count) : words.foundHow(count)}
      >
        <Matches matches={matches} threshold={threshold} />
      </Outcome>
    );
  }
  if (reason === "spoof_suspected") {
    return <Outcome icon={CircleX} tone="bad" title={words.spoof} how={words.spoofHow} />;
  }
  if (reason !== "no_match") {
    return <Outcome icon={ImageOff} tone="warn" title={words.notJudged} how={advice ?? text.signIn.notSureHow} />;
  }
  if (count === 0) {
    return (
      <Outcome
        icon={Users}
        tone="neutral"
        title={words.nobody}
        how={words.nobodyHow}
        ways={mayEnrol && <ButtonLink href="/enrol">{words.enrol}</ButtonLink>}
      />
    );
  }
  return <Outcome icon={CircleHelp} tone="neutral" title={words.unknown} how={words.unknownHow(count)} />;
}
