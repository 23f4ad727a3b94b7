import { ChevronsDown, ChevronsLeft, ChevronsRight } from "lucide-react";

import styles from "./Arrow.module.css";

type Side = "left" | "right" | "down";

const ICONS = { left: ChevronsLeft, right: ChevronsRight, down: ChevronsDown };

/** Which way to move the head, drawn over the picture. In a mirror one's own left is on the left. */
export function Arrow({ action, mirrored }: { readonly action: string; readonly mirrored: boolean }) {
  const side = sideOf(action, mirrored);
  if (side === null) return null;
  const Icon = ICONS[side];
  return (
    <span className={styles["arrow"]} data-side={side}>
      <Icon aria-hidden="true" />
    </span>
  );
}

function sideOf(action: string, mirrored: boolean): Side | null {
  switch (action) {
    case "turn_left":
      return mirrored ? "left" : "right";
    case "turn_right":
      return mirrored ? "right" : "left";
    case "nod":
      return "down";
    default:
      return null;
  }
}
