import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Copyable } from "@/shared/ui/Copyable";
import { Dialog } from "@/shared/ui/Dialog";
import { Facts } from "@/shared/ui/Page";
import { When } from "@/shared/ui/When";

import { type AuditRecord } from "./records";
import { actionWord, actorOf, outcomeWord, reasonWord, toneOf } from "./words";

import styles from "./Records.module.css";

const words = text.activity;

interface Props {
  readonly record: AuditRecord | null;
  readonly onClose: () => void;
}

/** All of one record. */
export function RecordDialog({ record, onClose }: Props) {
  return (
    <Dialog
      title={record === null ? "" : words.recordTitle(record.sequence)}
      isOpen={record !== null}
      onClose={onClose}
      wide
    >
      {record !== null && <RecordFacts record={record} />}
    </Dialog>
  );
}

export function RecordFacts({ record }: { readonly record: AuditRecord }) {
  const { kind, uid } = actorOf(record.actor);
  return (
    <div className={styles["facts"]}>
      <Facts
        facts={[
          [words.what, actionWord(record.action)],
          [
            words.result,
            <Badge key="result" tone={toneOf(record.outcome, record.reason)}>
              {outcomeWord(record.outcome)}
            </Badge>,
          ],
          [words.why, reasonWord(record.reason)],
          [words.when, <When key="at" at={record.at} />],
          [
            words.who,
            record.subject === null ? (
              words.nobody
            ) : (
              <Copyable key="subject" value={record.subject} what={words.pseudonym} />
            ),
          ],
          [
            words.by,
            <span key="actor">
              {kind} {uid !== null && <Copyable value={uid} what={kind} />}
            </span>,
          ],
        ]}
      />
      <h3>{words.measured}</h3>
      <Measured details={record.details} />
      <h3>{words.digest}</h3>
      <div>
        <Copyable value={record.digest} what={words.digest} whole />
        <p className={styles["soft"]}>{words.digestHint}</p>
      </div>
    </div>
  );
}

function Measured({ details }: Pick<AuditRecord, "details">) {
  const known = Object.entries(details).filter(([, value]) => value !== null);
  if (known.length === 0) return <p className={styles["soft"]}>{words.nothingMeasured}</p>;
  return (
    <Facts facts={known.map(([name, value]) => [words.fields[name] ?? name.replaceAll("_", " "), said(name, value)])} />
  );
}

function said(name: string, value: string | number | boolean | null): string {
  if (typeof value === "boolean") return value ? text.common.yes : text.common.no;
  if (name === "told" && typeof value === "string") return reasonWord(value);
  // Networks are named with a mark of their weights, which tells nothing to most people.
  return name === "models" ? String(value).replaceAll(/:[0-9a-f]+/g, "") : String(value);
}
