import { Download } from "lucide-react";
import { useState } from "react";

import { answerOf, api } from "@/shared/api/client";
import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { fileWord, saveJson } from "@/shared/save/save";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Checkbox } from "@/shared/ui/Choice";
import { Notice } from "@/shared/ui/Notice";
import { Card } from "@/shared/ui/Page";

import styles from "./People.module.css";

const words = text.people;

/** Everything that is kept of a person, for them. */
export function ExportCard({ userId }: { readonly userId: string }) {
  const biometric = useMay("read_records");
  const [vectors, setVectors] = useState(false);
  const [state, setState] = useState<"idle" | "pending" | "done">("idle");
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const save = async () => {
    setState("pending");
    setProblem(null);
    try {
      const params = { path: { user_id: userId }, query: { vectors } };
      const told = await answerOf(api.GET("/api/v1/users/{user_id}/export", { params }));
      saveJson(told, `facekey-export-${fileWord(userId)}.json`);
      setState("done");
    } catch (error) {
      setProblem(asProblem(error));
      setState("idle");
    }
  };

  return (
    <Card title={words.exportTitle} hint={words.exportHint}>
      <div className={styles["stack"]}>
        {biometric && (
          <div>
            <Checkbox isSelected={vectors} onChange={setVectors}>
              {words.vectors}
            </Checkbox>
            {vectors && <p className={styles["soft"]}>{words.vectorsHint}</p>}
          </div>
        )}
        <Button isPending={state === "pending"} onPress={() => void save()}>
          {state !== "pending" && <Download aria-hidden="true" />}
          {state === "pending" ? words.exporting : words.exportButton}
        </Button>
        {state === "done" && <Notice tone="good">{words.exported}</Notice>}
        {problem !== null && <Notice tone="bad">{problem.detail}</Notice>}
      </div>
    </Card>
  );
}
