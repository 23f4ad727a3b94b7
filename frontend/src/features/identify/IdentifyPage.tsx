import { useMutation, useQuery } from "@tanstack/react-query";
import { Camera } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { answerOf, api, form } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { PhotoDrop } from "@/shared/photo/PhotoDrop";
import { faultOfPhoto } from "@/shared/photo/photo-file";
import { useMay } from "@/shared/session/use-session";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { Card, Page } from "@/shared/ui/Page";
import { Failed } from "@/shared/ui/States";
import { Steps } from "@/shared/ui/Steps";

import { Answer } from "./Answer";
import { Searched } from "./Searched";
import { Snapshot } from "./Snapshot";

import styles from "./IdentifyPage.module.css";

const words = text.identify;
const MOST_MATCHES = "5";

/** One picture, and who of the enrolled it shows. */
export function IdentifyPage() {
  const [source, setSource] = useState<"choice" | "camera">("choice");
  const [photo, setPhoto] = useState<Blob | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const guided = useMay("enrol");
  const info = useQuery(systemInfoQuery);
  const left = useRef<AbortController | null>(null);
  useEffect(() => () => left.current?.abort(), []);

  const search = useMutation({
    mutationFn: (bytes: Blob) => {
      left.current = new AbortController();
      const fields = { image: bytes, top_k: MOST_MATCHES };
      return answerOf(api.POST("/api/v1/identify", { ...form(fields), signal: left.current.signal }));
    },
  });
  const look = (bytes: Blob) => {
    setFault(null);
    setPhoto(bytes);
    search.mutate(bytes);
  };
  const choose = async (file: File | undefined) => {
    if (file === undefined) return;
    const wrong = await faultOfPhoto(file, info.data?.max_image_bytes ?? null);
    setFault(wrong);
    if (wrong === null) look(file);
  };
  const again = (next: "choice" | "camera") => {
    left.current?.abort();
    search.reset();
    setPhoto(null);
    setSource(next);
  };

  return (
    <Page title={words.title} intro={words.intro} narrow>
      <Steps phase={photo === null ? source : search.status}>
        {photo !== null ? (
          <Searched photo={photo} searching={search.isPending}>
            {search.data !== undefined && <Answer answer={search.data} />}
            {search.error !== null && (
              <Failed key={search.submittedAt} problem={asProblem(search.error)} onRetry={() => search.mutate(photo)} />
            )}
            {!search.isPending && (
              <div className={styles["ways"]}>
                <Button onPress={() => again("choice")}>{words.another}</Button>
                {source === "camera" && <Button onPress={() => again("camera")}>{words.cameraAgain}</Button>}
              </div>
            )}
          </Searched>
        ) : source === "camera" ? (
          <Snapshot guided={guided} onTaken={look} onBack={() => setSource("choice")} />
        ) : (
          <div className={styles["choice"]}>
            <Card title={words.file}>
              {fault !== null && <Notice tone="bad">{fault}</Notice>}
              <PhotoDrop onFiles={([file]) => void choose(file)} hint={text.photo.kinds} />
            </Card>
            <Card title={words.camera} hint={guided ? words.cameraGuided : words.cameraHow}>
              <Button tone="primary" size="large" onPress={() => setSource("camera")}>
                <Camera aria-hidden="true" />
                {words.useCamera}
              </Button>
            </Card>
          </div>
        )}
      </Steps>
    </Page>
  );
}
