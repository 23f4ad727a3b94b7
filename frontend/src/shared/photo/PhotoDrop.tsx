import { ImagePlus } from "lucide-react";
import { DropZone, FileTrigger, isFileDropItem, Text } from "react-aria-components";

import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";

import styles from "./PhotoDrop.module.css";

const words = text.photo;

interface Props {
  readonly onFiles: (files: readonly File[]) => void;
  readonly several?: boolean;
  readonly hint: string;
  readonly isDisabled?: boolean;
}

/** A place to drop photos, with a button for those who don't drop. What they really are is looked at afterwards. */
export function PhotoDrop({ onFiles, several = false, hint, isDisabled = false }: Props) {
  return (
    <DropZone
      className={styles["zone"] ?? ""}
      isDisabled={isDisabled}
      onDrop={({ items }) => {
        const files = items.filter(isFileDropItem).map((item) => item.getFile());
        void Promise.all(files).then((got) => onFiles(several ? got : got.slice(0, 1)));
      }}
    >
      <ImagePlus aria-hidden="true" />
      <Text slot="label">{several ? words.drop : words.dropOne}</Text>
      <span className={styles["or"]}>{words.or}</span>
      <FileTrigger allowsMultiple={several} onSelect={(list) => onFiles([...(list ?? [])])}>
        <Button isDisabled={isDisabled}>{several ? words.choose : words.chooseOne}</Button>
      </FileTrigger>
      <span className={styles["hint"]}>{hint}</span>
    </DropZone>
  );
}
