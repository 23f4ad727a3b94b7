import { ArrowBigDown, ArrowBigLeft, ArrowBigRight, EyeClosed, ScanFace, Smile, type LucideIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { text } from "@/shared/text/text";
import { Ring } from "@/shared/ui/Ring";

import { type Challenge, type Watching } from "./live-session";

import styles from "./Prompt.module.css";

const words = text.signIn;
const TICK_MS = 250;
const ICONS: Readonly<Record<string, LucideIcon>> = {
  blink: EyeClosed,
  smile: Smile,
  turn_left: ArrowBigLeft,
  turn_right: ArrowBigRight,
  nod: ArrowBigDown,
};

interface Props {
  readonly challenge: Challenge;
  readonly time: Watching["time"];
  readonly advice: string | null;
}

/** What is asked for now, which of how many it is, and how long there is. */
export function Prompt({ challenge, time, advice }: Props) {
  const { action, instruction, number, total } = challenge;
  const Icon = ICONS[action] ?? ScanFace;
  return (
    <div className={styles["prompt"]}>
      <span className={styles["icon"]}>
        <Icon aria-hidden="true" />
      </span>
      <div role="alert" className={styles["words"]}>
        <strong>{words.actions[action] ?? instruction}</strong>
        <span>{advice ?? words.step(number, total)}</span>
      </div>
      {time !== null && <TimeLeft {...time} />}
    </div>
  );
}

function TimeLeft({ endsMs, allMs }: { readonly endsMs: number; readonly allMs: number }) {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const leftMs = Math.max(0, endsMs - nowMs);
  const seconds = Math.ceil(leftMs / 1000);
  return (
    <Ring value={leftMs / allMs} label={words.timeLeft(seconds)} size={52}>
      {words.seconds(seconds)}
    </Ring>
  );
}
