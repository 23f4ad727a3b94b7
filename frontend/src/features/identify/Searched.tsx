import { useEffect, useRef, type ReactNode } from "react";

import { useObjectUrl } from "@/shared/photo/use-object-url";
import { text } from "@/shared/text/text";
import { Card } from "@/shared/ui/Page";
import { Loading } from "@/shared/ui/States";

import styles from "./Searched.module.css";

interface Props {
  readonly photo: Blob;
  readonly searching: boolean;
  readonly children: ReactNode;
}

/** The photo, and below it what came of it. */
export function Searched({ photo, searching, children }: Props) {
  const url = useObjectUrl(photo);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <Card>
      <div className={styles["searched"]} ref={place} tabIndex={-1}>
        {url !== null && <img src={url} alt={text.identify.yourPhoto} />}
        {searching && <Loading label={text.identify.searching} />}
        {children}
      </div>
    </Card>
  );
}
