import { type ApiProblem } from "@/shared/api/problem";
import { PhotoDrop } from "@/shared/photo/PhotoDrop";
import { text } from "@/shared/text/text";
import { Card } from "@/shared/ui/Page";

import { PhotoGrid } from "./PhotoGrid";
import { MOST, sendable } from "./photos";
import { Refusal } from "./Refusal";
import { SendBar } from "./SendBar";
import { type Photos } from "./use-photos";

import styles from "./PhotoGrid.module.css";

const words = text.enrol;

interface Props {
  readonly photos: Photos;
  readonly problem: ApiProblem | null;
  readonly onSend: () => void;
  readonly onBack: () => void;
}

/** Photos that there are already. Each is looked at as soon as it is chosen. */
export function FilePhotos({ photos, problem, onSend, onBack }: Props) {
  const full = sendable(photos.photos).length >= MOST;
  return (
    <div className={styles["step"]}>
      {problem !== null && <Refusal problem={problem} onChangeId={onBack} />}
      <Card title={words.files}>
        <PhotoDrop
          several
          onFiles={(files) => photos.addFiles(files)}
          hint={words.drop(text.photo.kinds)}
          isDisabled={full}
        />
        {photos.tooMany && <p role="status">{words.tooMany(MOST)}</p>}
        <PhotoGrid photos={photos.photos} onRemove={photos.remove} />
      </Card>
      <SendBar photos={photos.photos} onSend={onSend} onBack={onBack} />
    </div>
  );
}
