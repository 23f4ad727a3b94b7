import { useEffect, useRef } from "react";

import { text } from "@/shared/text/text";
import { Card } from "@/shared/ui/Page";
import { Spinner } from "@/shared/ui/Spinner";

import styles from "./Sending.module.css";

const words = text.enrol;

/** How much is sent; then, that it is judged. */
export function Sending({ share }: { readonly share: number }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  const percent = Math.round(share * 100);
  const judging = share >= 1;
  return (
    <Card>
      <div className={styles["sending"]} ref={place} tabIndex={-1}>
        <p role="status" className={styles["what"]}>
          {judging && <Spinner />}
          {judging ? words.judging : words.sending}
        </p>
        <progress value={percent} max={100} aria-label={words.sending} className={styles["bar"]} />
        <span className={styles["percent"]}>{words.sent(percent)}</span>
      </div>
    </Card>
  );
}
