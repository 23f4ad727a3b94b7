import { useEffect, useRef } from "react";

import { type ApiProblem } from "@/shared/api/problem";
import { formatWait } from "@/shared/format/wait";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { useSecondsLeft } from "@/shared/ui/States";

const words = text.enrol;
const ANOTHER_ID: ReadonlySet<string> = new Set(["user_exists", "user_id_invalid"]);

/** Why nobody was registered, and what to do about it. */
export function Refusal({ problem, onChangeId }: { readonly problem: ApiProblem; readonly onChangeId: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const left = useSecondsLeft(problem);
  useEffect(() => {
    // Some browsers give a promise, which an effect must not.
    place.current?.scrollIntoView({ block: "center" });
  }, []);
  const known = words.refusals[problem.code];
  return (
    <div ref={place}>
      <Notice
        tone="bad"
        title={known?.title ?? words.refused}
        action={
          ANOTHER_ID.has(problem.code) && (
            <Button size="small" onPress={onChangeId}>
              {words.changeId}
            </Button>
          )
        }
      >
        {known?.how ?? (problem.status === 0 ? words.maybeArrived : problem.detail)}{" "}
        {left > 0 && text.signIn.againIn(formatWait(left))}
      </Notice>
    </div>
  );
}
