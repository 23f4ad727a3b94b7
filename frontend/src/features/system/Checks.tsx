import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleHelp, CircleX, TriangleAlert } from "lucide-react";
import { useState } from "react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Checkbox } from "@/shared/ui/Choice";
import { Card } from "@/shared/ui/Page";
import { Empty, Failed, Loading } from "@/shared/ui/States";
import { Ago } from "@/shared/ui/When";

import { asProblem } from "@/shared/api/problem";

import { countsOf, toDo, VERDICTS, type Check } from "./findings";

import styles from "./System.module.css";

const words = text.system;
const LOOK = {
  fail: { tone: "bad", icon: CircleX },
  warn: { tone: "warn", icon: TriangleAlert },
  unknown: { tone: "neutral", icon: CircleHelp },
  ok: { tone: "good", icon: CircleCheck },
} as const;

/** The production list, examined from inside the running service. */
export function Checks() {
  const { data, error, isFetching, errorUpdatedAt, refetch } = useQuery({
    queryKey: ["system", "doctor"],
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/system/doctor", { signal })),
    staleTime: 60_000,
  });
  if (data !== undefined) return <Examined of={data} again={() => void refetch()} isAsking={isFetching} />;
  if (error !== null && !isFetching)
    return <Failed key={errorUpdatedAt} problem={asProblem(error)} onRetry={() => void refetch()} />;
  return <Loading label={words.examining} />;
}

interface Props {
  readonly of: Schemas["Examined"];
  readonly again: () => void;
  readonly isAsking: boolean;
}

function Examined({ of: { at, checks }, again, isAsking }: Props) {
  const [all, setAll] = useState(false);
  const counts = countsOf(checks);
  const shown = toDo(checks, all);
  return (
    <Card
      title={words.list}
      hint={words.listHint}
      actions={
        <Button isPending={isAsking} onPress={again}>
          {words.examineAgain}
        </Button>
      }
    >
      <div className={styles["line"]} role="status">
        {VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) => (
          <VerdictBadge key={verdict} verdict={verdict} says={words.counts[verdict](counts[verdict])} />
        ))}
        <span className={styles["soft"]}>
          {words.examined} <Ago at={at} />. {words.oncePerMinute}
        </span>
      </div>
      <Checkbox isSelected={all} onChange={setAll}>
        {words.showFit}
      </Checkbox>
      {shown.length === 0 ? (
        <Empty icon={CircleCheck} title={words.allFit}>
          {words.allFitSays}
        </Empty>
      ) : (
        <ul className={styles["checks"]}>
          {shown.map((check) => (
            <One key={`${check.name} ${check.found}`} check={check} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function One({ check: { name, verdict, found, advice } }: { readonly check: Check }) {
  return (
    <li>
      <VerdictBadge verdict={verdict} says={words.verdicts[verdict]} />
      <div>
        <strong>{name}</strong>
        <p>{found}</p>
        {advice !== null && (
          <p className={styles["advice"]}>
            {words.advice}: {advice}
          </p>
        )}
      </div>
    </li>
  );
}

function VerdictBadge({ verdict, says }: { readonly verdict: Check["verdict"]; readonly says: string }) {
  const { tone, icon: Icon } = LOOK[verdict];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden="true" /> {says}
    </Badge>
  );
}
