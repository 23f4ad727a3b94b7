import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, type Schemas } from "@/shared/api/client";
import { formatDate } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Card } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { useNow } from "@/shared/ui/When";

import { consentsQuery, personChanged } from "./queries";

import styles from "./People.module.css";

const words = text.people;
const BIAS = "bias_monitoring";

type Consent = Schemas["ConsentView"];

/** What a person agreed to, and ending it. */
export function ConsentsCard({ userId }: { readonly userId: string }) {
  const queries = useQueryClient();
  const [ending, setEnding] = useState<string | null>(null);
  return (
    <Card title={words.consents}>
      <Loaded query={useQuery(consentsQuery(userId))}>
        {(consents) =>
          consents.length === 0 ? (
            <div>
              <p>{words.consentsNone}</p>
              <p className={styles["soft"]}>{words.consentsNoneHow}</p>
            </div>
          ) : (
            <ul className={styles["consents"]}>
              {consents.toReversed().map((consent) => (
                <One key={`${consent.given_at} ${consent.purpose}`} consent={consent} onWithdraw={setEnding} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <ConfirmDialog
        title={words.withdrawTitle}
        isOpen={ending !== null}
        onClose={() => setEnding(null)}
        action={words.withdraw}
        onConfirm={async () => {
          if (ending === null) return;
          await api.POST("/api/v1/users/{user_id}/consents/withdraw", {
            params: { path: { user_id: userId }, query: { purpose: ending } },
          });
          await personChanged(queries, userId);
        }}
      >
        <p>{ending === BIAS ? words.withdrawBias : words.withdrawWhat}</p>
      </ConfirmDialog>
    </Card>
  );
}

interface OneProps {
  readonly consent: Consent;
  readonly onWithdraw: (purpose: string) => void;
}

function One({ consent, onWithdraw }: OneProps) {
  const { purpose, text_version, given_at, expires_at, withdrawn_at } = consent;
  const expired = useNow() > (expires_at === null ? Infinity : Date.parse(expires_at));
  const state = withdrawn_at !== null ? "withdrawn" : expired ? "expired" : "holds";
  return (
    <li>
      <div className={styles["consentHead"]}>
        <strong>{words.purposes[purpose] ?? purpose}</strong>
        <Badge tone={state === "holds" ? "good" : "neutral"}>{words.consentStates[state]}</Badge>
      </div>
      <div className={styles["consentHead"]}>
        <span className={styles["soft"]}>
          {words.textVersion(text_version)} · {words.given} {formatDate(given_at)}
          {expires_at !== null && ` · ${words.expires} ${formatDate(expires_at)}`}
          {withdrawn_at !== null && ` · ${words.withdrawnOn} ${formatDate(withdrawn_at)}`}
        </span>
        {state === "holds" && (
          <Button size="small" onPress={() => onWithdraw(purpose)}>
            {words.withdraw}
          </Button>
        )}
      </div>
    </li>
  );
}
