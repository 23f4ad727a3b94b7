import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";

import { text } from "@/shared/text/text";

import { Button } from "./Button";

import styles from "./Copyable.module.css";

const SHORT = 8; // characters of a long id that tell it from its neighbours
const SAID_MS = 2000;

interface Props {
  readonly value: string;
  /** What it is, for the name of the button. */
  readonly what: string;
  /** Show all of it; otherwise its beginning. */
  readonly whole?: boolean;
}

/** A long id or secret that is to be copied rather than read. */
export function Copyable({ value, what, whole = false }: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const cut = !whole && value.length > SHORT + 2;
  const Icon = copied ? Check : Copy;
  return (
    <span className={styles["copyable"]} data-whole={whole}>
      <code title={cut ? value : undefined}>{cut ? `${value.slice(0, SHORT)}…` : value}</code>
      <Button
        tone="quiet"
        size="small"
        aria-label={text.common.copyThis(what)}
        onPress={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
      >
        <Icon aria-hidden="true" />
      </Button>
      <span className={styles["said"]} role="status">
        {copied && text.common.copied}
      </span>
    </span>
  );
}
