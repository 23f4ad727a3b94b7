import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Copyable } from "@/shared/ui/Copyable";
import { Dialog } from "@/shared/ui/Dialog";
import { Notice } from "@/shared/ui/Notice";
import { When } from "@/shared/ui/When";

import styles from "./Access.module.css";

const words = text.access.secret;

export interface Secret {
  readonly title: string;
  readonly what: string;
  readonly value: string;
  /** What to do with it. */
  readonly says: string;
  readonly until: string | null;
}

/** A password or key that is shown once: it is nowhere in the page when this is closed. */
export function SecretDialog({ secret, onClose }: { readonly secret: Secret | null; readonly onClose: () => void }) {
  return (
    <Dialog title={secret?.title ?? ""} isOpen={secret !== null} onClose={onClose} role="alertdialog">
      {secret !== null && (
        <>
          <div className={styles["secret"]}>
            <Copyable value={secret.value} what={secret.what} whole />
          </div>
          <Notice tone="warn">{words.once}</Notice>
          <p>
            {secret.says}
            {secret.until !== null && (
              <>
                {" "}
                {words.until} <When at={secret.until} />.
              </>
            )}
          </p>
          <div className={styles["end"]}>
            <Button tone="primary" onPress={onClose}>
              {words.kept}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
