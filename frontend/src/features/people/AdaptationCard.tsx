import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useState } from "react";

import { api, type Schemas } from "@/shared/api/client";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Notice } from "@/shared/ui/Notice";
import { Card, Facts } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { When } from "@/shared/ui/When";

import { adaptationQuery, personChanged } from "./queries";

import styles from "./People.module.css";

const words = text.people;

/** What was learned of a person, and taking it back. */
export function AdaptationCard({ userId }: { readonly userId: string }) {
  return (
    <Card title={words.adaptation} hint={words.adaptationHint}>
      <Loaded query={useQuery(adaptationQuery(userId))}>
        {(adaptation) =>
          hasLearned(adaptation) ? <Learned adaptation={adaptation} /> : <p>{words.adaptationNothing}</p>
        }
      </Loaded>
    </Card>
  );
}

function hasLearned({ learned_vectors, waiting, personal_thresholds, version }: Schemas["Adaptation"]): boolean {
  return learned_vectors > 0 || waiting > 0 || personal_thresholds.length > 0 || version > 1;
}

function Learned({ adaptation }: { readonly adaptation: Schemas["Adaptation"] }) {
  const [undoing, setUndoing] = useState<Schemas["BackTo"] | null>(null);
  const queries = useQueryClient();
  const may = useMay("unlock");
  const { user_id, version, learned_vectors, waiting, last_changed_at, personal_thresholds } = adaptation;
  const previous = adaptation.earlier_versions.at(-1);
  return (
    <div className={styles["stack"]}>
      {adaptation.enrol_again && <Notice tone="warn">{words.enrolAgain}</Notice>}
      <Facts
        facts={[
          [words.version, version],
          [words.learned, learned_vectors === 0 ? words.learnedNothing : words.learnedCount(learned_vectors)],
          ...(waiting > 0 ? [[words.waiting, words.waitingCount(waiting)] as const] : []),
          ...(last_changed_at === null
            ? []
            : [[words.lastLearned, <When key="changed" at={last_changed_at} />] as const]),
          ...personal_thresholds.map(
            ({ attempts, threshold, scores }) =>
              [words.ownBar(attempts), words.ownBarValue(threshold.toFixed(2), scores)] as const,
          ),
        ]}
      />
      {may && (
        <div className={styles["buttons"]}>
          {previous !== undefined && (
            <Button onPress={() => setUndoing("previous")}>
              <Undo2 aria-hidden="true" /> {words.undoPrevious}
            </Button>
          )}
          <Button onPress={() => setUndoing("anchor")}>{words.undoAnchor}</Button>
        </div>
      )}
      <ConfirmDialog
        title={undoing === "previous" ? words.undoPreviousTitle : words.undoAnchorTitle}
        isOpen={undoing !== null}
        onClose={() => setUndoing(null)}
        action={words.undo}
        onConfirm={async () => {
          if (undoing === null) return;
          await api.POST("/api/v1/users/{user_id}/adaptation/undo", {
            params: { path: { user_id }, query: { back_to: undoing } },
          });
          await personChanged(queries, user_id);
        }}
      >
        <p>{undoing === "previous" ? words.undoPreviousWhat(previous ?? 1) : words.undoAnchorWhat}</p>
      </ConfirmDialog>
    </div>
  );
}
