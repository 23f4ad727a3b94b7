import { useQuery } from "@tanstack/react-query";
import { Link2, Link2Off, ShieldCheck } from "lucide-react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { formatCount } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { Card } from "@/shared/ui/Page";
import { Ago } from "@/shared/ui/When";

import styles from "./Activity.module.css";

const words = text.activity.chain;

/** Whether the chain of records holds, checked when somebody asks: it reads all of the log. */
export function ChainCard() {
  const query = useQuery({
    queryKey: ["audit", "chain"],
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/audit/verify", { signal })),
    enabled: false,
    staleTime: Infinity,
    gcTime: Infinity,
    retry: false,
  });
  const { data: report, isFetching, error, dataUpdatedAt, refetch } = query;
  return (
    <Card
      title={words.title}
      hint={words.hint}
      actions={
        <Button isPending={isFetching} onPress={() => void refetch()}>
          {!isFetching && <ShieldCheck aria-hidden="true" />}
          {isFetching ? words.running : report === undefined ? words.run : words.again}
        </Button>
      }
    >
      {error !== null && !isFetching && <Notice tone="warn">{asProblem(error).detail}</Notice>}
      <div role="status">
        {isFetching ? (
          <p className={styles["soft"]}>{words.runningHint}</p>
        ) : report === undefined ? (
          <p className={styles["soft"]}>{words.notYet}</p>
        ) : (
          <Verified report={report} at={new Date(dataUpdatedAt).toISOString()} />
        )}
      </div>
    </Card>
  );
}

function Verified({ report, at }: { readonly report: Schemas["AuditReport"]; readonly at: string }) {
  const { intact, sealed, checkpoints, signed_up_to } = report;
  const records = formatCount(report.records);
  if (!intact) {
    return (
      <div className={styles["verified"]}>
        <div className={styles["verdict"]}>
          <Badge tone="bad">
            <Link2Off aria-hidden="true" /> {words.broken}
          </Badge>
          <span className={styles["soft"]}>
            {words.checked} <Ago at={at} />
          </span>
        </div>
        <Notice tone="bad" title={words.brokenSays(records)}>
          {report.fault}. {words.brokenHow}
        </Notice>
      </div>
    );
  }
  const signed = checkpoints === 0 ? words.unsigned : words.signed(formatCount(signed_up_to), formatCount(checkpoints));
  return (
    <div className={styles["verdict"]}>
      <Badge tone="good">
        <Link2 aria-hidden="true" /> {words.intact}
      </Badge>
      <span>
        {words.intactSays(records)} {sealed ? words.sealed : words.unsealed} {signed}
      </span>
      <span className={styles["soft"]}>
        {words.checked} <Ago at={at} />
      </span>
    </div>
  );
}
