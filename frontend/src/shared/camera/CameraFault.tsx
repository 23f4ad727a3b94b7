import { CameraOff } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";

import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import { type CameraTrouble } from "./camera";

import styles from "./CameraFault.module.css";

interface Props {
  readonly trouble: CameraTrouble;
  readonly onRetry: () => void;
  /** Another way on, where there is one. */
  readonly otherwise?: ReactNode;
}

/** Why there is no picture, and what helps. */
export function CameraFault({ trouble, onRetry, otherwise }: Props) {
  const { title, how } = text.camera.troubles[trouble];
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className={styles["fault"]}>
      <div className={styles["words"]} role="alert">
        <CameraOff aria-hidden="true" />
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <p>{how}</p>
      </div>
      <div className={styles["ways"]}>
        <Button tone="primary" onPress={onRetry}>
          {text.camera.retry}
        </Button>
        {otherwise}
      </div>
    </div>
  );
}
