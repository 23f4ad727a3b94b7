import { Pause, Play, Radio, RefreshCw } from "lucide-react";

import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";

import { type FollowState } from "./follow";

import styles from "./Activity.module.css";

const words = text.activity.live;

interface Props {
  readonly on: boolean;
  readonly state: FollowState;
  /** The filters end in the past: there is nothing to wait for. */
  readonly past: boolean;
  readonly onChange: (on: boolean) => void;
}

/** Whether new records come by themselves, and how; and stopping that, to read in peace. */
export function LiveSwitch({ on, state, past, onChange }: Props) {
  const runs = on && !past;
  const Icon = runs ? Pause : Play;
  return (
    <div className={styles["live"]}>
      <span role="status">
        <State on={on} state={state} past={past} />
      </span>
      <Button
        aria-label={runs ? words.pauseRecords : words.resumeRecords}
        isDisabled={past}
        onPress={() => onChange(!on)}
      >
        <Icon aria-hidden="true" /> {runs ? words.pause : words.resume}
      </Button>
    </div>
  );
}

function State({ on, state, past }: Omit<Props, "onChange">) {
  if (past) return <Badge>{words.pausedBy}</Badge>;
  if (!on) return <Badge>{words.paused}</Badge>;
  switch (state) {
    case "connecting":
      return <Badge>{words.connecting}</Badge>;
    case "live":
      return (
        <Badge tone="good">
          <Radio aria-hidden="true" /> {words.on}
        </Badge>
      );
    case "away":
      return (
        <span title={words.pollingHint}>
          <Badge tone="warn">
            <RefreshCw aria-hidden="true" /> {words.polling}
          </Badge>
        </span>
      );
  }
}
