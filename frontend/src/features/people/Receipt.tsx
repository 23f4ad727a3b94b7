import { Download } from "lucide-react";

import { type Schemas } from "@/shared/api/client";
import { fileWord, saveJson } from "@/shared/save/save";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { Copyable } from "@/shared/ui/Copyable";
import { Notice } from "@/shared/ui/Notice";
import { Card, Facts, Page } from "@/shared/ui/Page";
import { When } from "@/shared/ui/When";

import styles from "./People.module.css";

const words = text.people;
const KEYS = "/.well-known/facekey-audit-keys.pem";

/** The proof that a person is erased; this page is the only place that has it. */
export function Receipt({ receipt }: { readonly receipt: Schemas["Erased"] }) {
  const file = `facekey-receipt-${fileWord(receipt.user_id)}.json`;
  const names = words.receipt;
  return (
    <Page title={words.receiptTitle} narrow actions={<ButtonLink href="/people">{words.all}</ButtonLink>}>
      <Notice tone="good">{words.receiptSays(receipt.user_id)}</Notice>
      <Card
        title={words.receiptKeep}
        actions={
          <Button tone="primary" onPress={() => saveJson(receipt, file)}>
            <Download aria-hidden="true" /> {words.receiptDownload}
          </Button>
        }
      >
        <div className={styles["receipt"]}>
          <Facts
            facts={[
              [names.user, receipt.user_id],
              [names.erasedAt, <When key="at" at={receipt.erased_at} />],
              [names.record, receipt.audit_sequence],
              [names.subject, <Copyable key="subject" value={receipt.subject} what={names.subject} />],
              [names.digest, <Copyable key="digest" value={receipt.audit_digest} what={names.digest} />],
              [names.kid, <Copyable key="kid" value={receipt.kid} what={names.kid} whole />],
              [names.signature, <Copyable key="signature" value={receipt.signature} what={names.signature} />],
            ]}
          />
        </div>
        <div className={styles["stack"]}>
          <p>{words.receiptVerify}</p>
          <code className={styles["command"]}>{words.receiptCommand(file)}</code>
          <p>
            <a href={KEYS} download="public.pem">
              {words.receiptKey}
            </a>
          </p>
        </div>
      </Card>
    </Page>
  );
}
