import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";

import { answerOf, api } from "@/shared/api/client";
import { formatDate } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Card } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { Table, type Column } from "@/shared/ui/Table";
import { Ago, useNow } from "@/shared/ui/When";

import { AddKey } from "./AddKey";
import { SecretDialog, type Secret } from "./SecretDialog";
import { inOrder, keyStateOf, type ApiKey } from "./states";

import styles from "./Access.module.css";

const words = text.access.keys;
const KEY = ["access", "keys"];
const TONES = { active: "good", ends_soon: "warn", ended: "neutral", revoked: "neutral" } as const;

/** Keys of applications and machines. */
export function KeysCard() {
  const queries = useQueryClient();
  const now = useNow();
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const changed = () => void queries.invalidateQueries({ queryKey: KEY });
  const query = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/api_keys", { signal })),
  });
  const isOver = (key: ApiKey) => ["ended", "revoked"].includes(keyStateOf(key, now));
  return (
    <Card
      title={words.title}
      hint={words.hint}
      actions={
        <Button onPress={() => setAdding(true)}>
          <Plus aria-hidden="true" /> {words.add}
        </Button>
      }
    >
      <Loaded query={query}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty icon={KeyRound} title={words.none}>
              {words.noneHow}
            </Empty>
          ) : (
            <Table
              label={words.title}
              columns={columnsAt(now, isOver, setRevoking)}
              rows={inOrder(keys, isOver)}
              keyOf={({ uid }) => uid}
            />
          )
        }
      </Loaded>
      <AddKey
        isOpen={adding}
        onClose={() => setAdding(false)}
        onAdded={({ api_key, key }) => {
          setSecret({
            title: words.keyOf(api_key.name),
            what: words.key,
            value: key,
            says: words.keySays,
            until: api_key.expires_at,
          });
          changed();
        }}
      />
      <ConfirmDialog
        title={revoking === null ? "" : words.revokeTitle(revoking.name)}
        isOpen={revoking !== null}
        onClose={() => setRevoking(null)}
        action={words.revoke}
        onConfirm={async () => {
          if (revoking === null) return;
          await api.DELETE("/api/v1/api_keys/{uid}", { params: { path: { uid: revoking.uid } } });
          changed();
        }}
      >
        <p>{words.revokeSays}</p>
      </ConfirmDialog>
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
    </Card>
  );
}

function columnsAt(
  now: number,
  isOver: (key: ApiKey) => boolean,
  onRevoke: (key: ApiKey) => void,
): readonly Column<ApiKey>[] {
  return [
    { name: text.access.name, cell: ({ name }) => <span className={styles["name"]}>{name}</span> },
    { name: words.role, cell: ({ role }) => text.common.roles[role] ?? role },
    { name: words.audience, cell: ({ audience }) => audience ?? "–" },
    {
      name: text.access.state,
      cell: (key) => {
        const state = keyStateOf(key, now);
        return <Badge tone={TONES[state]}>{words.states[state]}</Badge>;
      },
    },
    {
      name: words.lastUsed,
      cell: ({ last_used_at }) => (last_used_at === null ? text.common.never : <Ago at={last_used_at} />),
    },
    { name: words.ends, cell: ({ expires_at }) => (expires_at === null ? text.common.never : formatDate(expires_at)) },
    {
      name: text.access.actions,
      cell: (key) =>
        isOver(key) ? (
          "–"
        ) : (
          <Button size="small" tone="danger" aria-label={words.revokeOf(key.name)} onPress={() => onRevoke(key)}>
            {words.revoke}
          </Button>
        ),
    },
  ];
}
