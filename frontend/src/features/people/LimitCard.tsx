import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LockOpen } from "lucide-react";
import { useState } from "react";

import { api } from "@/shared/api/client";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Notice } from "@/shared/ui/Notice";
import { Card } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { useNow, When } from "@/shared/ui/When";

import { limitQuery, personChanged } from "./queries";
import { standingOf } from "./standing";

import styles from "./People.module.css";

const words = text.people;

/** How a person stands with the attempt limits, and lifting them. */
export function LimitCard({ userId }: { readonly userId: string }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const may = useMay("unlock");
  const now = useNow();
  return (
    <Card title={words.limit} hint={words.limitHint}>
      <Loaded query={useQuery(limitQuery(userId))}>
        {(limit) => {
          const standing = standingOf(limit, now);
          return (
            <div className={styles["stack"]}>
              {standing === "locked" && limit.locked_at !== null && (
                <Notice tone="warn" title={words.standing.locked}>
                  {words.lockedSince} <When at={limit.locked_at} />. {words.lockedHow}
                </Notice>
              )}
              {standing === "waiting" && limit.wait_until !== null && (
                <Notice tone="warn" title={words.standing.waiting}>
                  {words.waitUntil} <When at={limit.wait_until} />
                </Notice>
              )}
              <p>{limit.failures === 0 ? words.noFailures : words.failures(limit.failures)}</p>
              {may && limit.failures > 0 && (
                <Button onPress={() => setAsking(true)}>
                  <LockOpen aria-hidden="true" /> {words.unlock}
                </Button>
              )}
            </div>
          );
        }}
      </Loaded>
      <ConfirmDialog
        title={words.unlockTitle(userId)}
        isOpen={asking}
        onClose={() => setAsking(false)}
        action={words.unlock}
        tone="primary"
        onConfirm={async () => {
          await api.POST("/api/v1/attempts/unlock", { params: { query: { user_id: userId } } });
          await personChanged(queries, userId);
        }}
      >
        <p>{words.unlockWhat}</p>
      </ConfirmDialog>
    </Card>
  );
}
