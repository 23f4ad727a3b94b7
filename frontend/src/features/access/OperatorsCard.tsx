import { useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";

import { answerOf, api } from "@/shared/api/client";
import { formatDate } from "@/shared/format/format";
import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Select } from "@/shared/ui/Choice";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Card } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { Table, type Column } from "@/shared/ui/Table";

import { AddDialog } from "./AddDialog";
import { SecretDialog, type Secret } from "./SecretDialog";
import { inOrder, operatorStateOf, type Operator } from "./states";

import styles from "./Access.module.css";

const words = text.access.operators;
const KEY = ["access", "operators"];
const ROLES = (["operator", "admin"] as const).map((value) => ({ value, label: words.roles[value] }));

type Asked = { readonly to: "reset" | "disable"; readonly operator: Operator } | null;

/** People who run this FaceKey. */
export function OperatorsCard() {
  const queries = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [role, setRole] = useState<"operator" | "admin">("operator");
  const [asked, setAsked] = useState<Asked>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const changed = () => void queries.invalidateQueries({ queryKey: KEY });
  const query = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/operators", { signal })),
  });
  const columns = useColumns(setAsked);

  const add = async (name: string) => {
    const made = await answerOf(api.POST("/api/v1/operators", { body: { name, role } }));
    setSecret(passwordOf(made.operator.name, made.one_time_password, made.expires_at));
    changed();
  };
  const confirm = async () => {
    if (asked === null) return;
    const params = { path: { name: asked.operator.name } };
    if (asked.to === "reset") {
      const made = await answerOf(api.POST("/api/v1/operators/{name}/reset_password", { params }));
      setSecret(passwordOf(made.operator.name, made.one_time_password, made.expires_at));
    } else {
      await api.DELETE("/api/v1/operators/{name}", { params });
    }
    changed();
  };

  const addButton = (
    <Button onPress={() => setAdding(true)}>
      <UserPlus aria-hidden="true" /> {words.add}
    </Button>
  );
  return (
    <Card title={words.title} hint={words.hint} actions={addButton}>
      <Loaded query={query}>
        {(operators) =>
          operators.length === 0 ? (
            <Empty icon={Users} title={words.none}>
              {words.noneHow}
            </Empty>
          ) : (
            <Table
              label={words.title}
              columns={columns}
              rows={inOrder(operators, ({ disabled_at }) => disabled_at !== null)}
              keyOf={({ uid }) => uid}
            />
          )
        }
      </Loaded>
      <AddDialog
        title={words.add}
        isOpen={adding}
        onClose={() => setAdding(false)}
        onAdd={add}
        action={words.addAction}
        nameHint={words.nameHint}
      >
        <Select label={words.role} options={ROLES} value={role} onChange={setRole} />
        <p className={styles["soft"]}>{words.roleSays[role]}</p>
      </AddDialog>
      <ConfirmDialog
        title={asked === null ? "" : words[asked.to].title(asked.operator.name)}
        isOpen={asked !== null}
        onClose={() => setAsked(null)}
        action={words[asked?.to ?? "reset"].action}
        tone={asked?.to === "disable" ? "danger" : "primary"}
        onConfirm={confirm}
      >
        <p>{words[asked?.to ?? "reset"].says}</p>
      </ConfirmDialog>
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
    </Card>
  );
}

function passwordOf(name: string, value: string, until: string): Secret {
  return { title: words.passwordOf(name), what: words.password, value, says: words.passwordSays, until };
}

function useColumns(onAsk: (asked: Asked) => void): readonly Column<Operator>[] {
  const current = useSession();
  const actor = current.state === "signed_in" ? current.me.actor : null;
  const isMe = ({ uid }: Operator) => actor === `operator:${uid}`;
  return [
    {
      name: text.access.name,
      cell: (operator) => (
        <span className={styles["name"]}>
          {operator.name} {isMe(operator) && <Badge tone="accent">{words.you}</Badge>}
        </span>
      ),
    },
    { name: words.role, cell: ({ role }) => text.common.roles[role] ?? role },
    { name: text.access.state, cell: (operator) => <State operator={operator} /> },
    { name: words.added, cell: ({ created_at }) => formatDate(created_at) },
    {
      name: text.access.actions,
      cell: (operator) =>
        // Locking oneself out by a slip helps nobody; another administrator can.
        operator.disabled_at !== null || isMe(operator) ? (
          "–"
        ) : (
          <span className={styles["buttons"]}>
            <Button
              size="small"
              aria-label={words.reset.of(operator.name)}
              onPress={() => onAsk({ to: "reset", operator })}
            >
              {words.reset.button}
            </Button>
            <Button
              size="small"
              tone="danger"
              aria-label={words.disable.of(operator.name)}
              onPress={() => onAsk({ to: "disable", operator })}
            >
              {words.disable.button}
            </Button>
          </span>
        ),
    },
  ];
}

function State({ operator }: { readonly operator: Operator }) {
  const state = operatorStateOf(operator);
  const tone = { active: "good", invited: "warn", disabled: "neutral" } as const;
  return <Badge tone={tone[state]}>{words.states[state]}</Badge>;
}
