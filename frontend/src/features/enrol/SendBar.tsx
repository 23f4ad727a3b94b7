import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import { lacking, sendable, type Photo } from "./photos";

import styles from "./SendBar.module.css";

const words = text.enrol;

interface Props {
  readonly photos: readonly Photo[];
  readonly onSend: () => void;
  readonly onBack: () => void;
}

/** What is still missing, and the way on when nothing is. */
export function SendBar({ photos, onSend, onBack }: Props) {
  const missing = lacking(photos);
  const says = missing === null ? words.ready : missing === "checking" ? words.checking : words.missing(missing.more);
  return (
    <div className={styles["bar"]}>
      <p role="status">{says}</p>
      <div className={styles["ways"]}>
        <Button onPress={onBack}>{text.common.back}</Button>
        <Button tone="primary" isDisabled={missing !== null} onPress={onSend}>
          {words.register(missing === null ? sendable(photos).length : 0)}
        </Button>
      </div>
    </div>
  );
}
