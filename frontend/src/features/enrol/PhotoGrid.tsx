import { RotateCcw, Trash2, X } from "lucide-react";
import { useRef, type ReactNode } from "react";

import { gradeOf } from "@/shared/photo/assess";
import { useObjectUrl } from "@/shared/photo/use-object-url";
import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Spinner } from "@/shared/ui/Spinner";

import { type Photo } from "./photos";

import styles from "./PhotoGrid.module.css";

const words = text.photo;
const TONES = { good: "good", fair: "warn", poor: "bad" } as const;

interface Props {
  readonly photos: readonly Photo[];
  readonly onRemove: (id: number) => void;
  /** Takes its place anew; photos from files have none. */
  readonly onRetake?: (photo: Photo) => void;
}

/** The photos so far, each with what is thought of it, and a way to be rid of it. */
export function PhotoGrid({ photos, onRemove, onRetake }: Props) {
  const list = useRef<HTMLOListElement>(null);
  if (photos.length === 0) return null;
  // The button that was pressed goes with its photo; the focus stays near.
  const stay = () => list.current?.focus({ preventScroll: true });
  return (
    <ol className={styles["grid"]} aria-label={text.enrol.photos} ref={list} tabIndex={-1}>
      {photos.map((photo, place) => (
        <li key={photo.id} className={styles["photo"]} data-left-out={isLeftOut(photo)}>
          <Thumbnail photo={photo} number={place + 1} />
          <div className={styles["verdict"]}>
            <Verdict photo={photo} />
          </div>
          <div className={styles["ways"]}>
            {onRetake !== undefined && photo.pose !== null && (
              <Button
                tone="quiet"
                size="small"
                aria-label={words.retake(place + 1)}
                onPress={() => {
                  stay();
                  onRetake(photo);
                }}
              >
                <RotateCcw aria-hidden="true" />
                {words.retakeIt}
              </Button>
            )}
            <Button
              tone="quiet"
              size="small"
              aria-label={words.remove(place + 1)}
              onPress={() => {
                stay();
                onRemove(photo.id);
              }}
            >
              <Trash2 aria-hidden="true" />
              {onRetake === undefined && words.removeIt}
            </Button>
          </div>
        </li>
      ))}
    </ol>
  );
}

function Thumbnail({ photo, number }: { readonly photo: Photo; readonly number: number }) {
  const url = useObjectUrl(photo.fault === null ? photo.bytes : null);
  const name = photo.name ?? words.alt(number);
  return (
    <div className={styles["picture"]}>
      {url === null ? <X aria-hidden="true" /> : <img src={url} alt={name} />}
      {photo.name !== null && <span className={styles["name"]}>{photo.name}</span>}
    </div>
  );
}

function Verdict({ photo }: { readonly photo: Photo }): ReactNode {
  const { fault, assessed, verdict } = photo;
  if (verdict?.accepted === false) {
    return (
      <>
        <Badge tone="bad">
          <X aria-hidden="true" />
          {text.enrol.notAccepted}
        </Badge>
        <p>{text.enrol.reasons[verdict.reason] ?? verdict.advice}</p>
      </>
    );
  }
  if (fault !== null) {
    return (
      <>
        <Badge tone="bad">{words.noGrade}</Badge>
        <p>{fault}</p>
      </>
    );
  }
  if (assessed === "checking") {
    return (
      <span className={styles["checking"]}>
        <Spinner /> {words.checking}
      </span>
    );
  }
  if (assessed === "unknown") return <Badge>{words.notChecked}</Badge>;
  const score = assessed.quality?.overall ?? null;
  if (!assessed.usable || score === null) {
    return (
      <>
        <Badge tone="bad">{words.noGrade}</Badge>
        <p>{assessed.advice}</p>
      </>
    );
  }
  const grade = gradeOf(score);
  return (
    <Badge tone={TONES[grade]}>
      {words.grades[grade]} {formatScore(score)}
    </Badge>
  );
}

function isLeftOut({ fault, assessed, verdict }: Photo): boolean {
  return verdict?.accepted === false || fault !== null || (typeof assessed === "object" && !assessed.usable);
}
