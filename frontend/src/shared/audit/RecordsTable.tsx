import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Copyable } from "@/shared/ui/Copyable";
import { Table, type Column } from "@/shared/ui/Table";
import { When } from "@/shared/ui/When";

import { type AuditRecord } from "./records";
import { actionWord, actorOf, outcomeWord, reasonWord, toneOf } from "./words";

import styles from "./Records.module.css";

const words = text.activity;
const SHORT = 6; // characters of a caller's number that tell a few operators apart

interface Props {
  readonly records: readonly AuditRecord[];
  readonly withPerson: boolean;
  readonly onShow: (record: AuditRecord) => void;
}

/** Records, one a row. */
export function RecordsTable({ records, withPerson, onShow }: Props) {
  const columns: readonly Column<AuditRecord>[] = [
    { name: words.when, cell: (record) => <When at={record.at} /> },
    {
      name: words.what,
      cell: (record) => (
        <Button
          className={styles["open"] ?? ""}
          tone="quiet"
          size="small"
          aria-label={words.detailsOf(actionWord(record.action), record.sequence)}
          onPress={() => onShow(record)}
        >
          {actionWord(record.action)}
        </Button>
      ),
    },
    { name: words.result, cell: (record) => <Result record={record} /> },
    ...(withPerson ? [{ name: words.who, cell: (record: AuditRecord) => <Person subject={record.subject} /> }] : []),
    { name: words.by, cell: (record) => <Actor actor={record.actor} /> },
  ];
  return <Table label={words.records} columns={columns} rows={records} keyOf={(record) => record.sequence} />;
}

/** What came of it, and why where that says more. */
export function Result({ record: { outcome, reason } }: { readonly record: Pick<AuditRecord, "outcome" | "reason"> }) {
  const says = outcomeWord(outcome);
  const why = reasonWord(reason);
  return (
    <span className={styles["result"]}>
      <Badge tone={toneOf(outcome, reason)}>{says}</Badge>
      {!PLAIN.has(reason) && why !== says && <span className={styles["why"]}>{why}</span>}
    </span>
  );
}

const PLAIN: ReadonlySet<string> = new Set(["requested", "asked", "live_match"]);

function Actor({ actor }: { readonly actor: string }) {
  const { kind, uid } = actorOf(actor);
  return (
    <span title={actor}>
      {kind} {uid !== null && <code className={styles["why"]}>{uid.slice(0, SHORT)}</code>}
    </span>
  );
}

function Person({ subject }: { readonly subject: string | null }) {
  return subject === null ? "–" : <Copyable value={subject} what={words.pseudonym} />;
}
