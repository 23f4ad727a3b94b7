import { Download } from "lucide-react";
import { useState } from "react";

import { signedFetch } from "@/shared/api/client";
import { asProblem, problemOf, type ApiProblem } from "@/shared/api/problem";
import { saveFile } from "@/shared/save/save";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Dialog } from "@/shared/ui/Dialog";
import { Failed } from "@/shared/ui/States";

const words = text.activity;

/** All of the log as a file that can be verified elsewhere. */
export function ExportButton() {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const save = async () => {
    setPending(true);
    setProblem(null);
    try {
      const answer = await signedFetch("/api/v1/audit/export");
      if (!answer.ok) throw problemOf(answer, await answer.json().catch(() => null));
      const day = new Date().toISOString().slice(0, 10);
      saveFile(await answer.blob(), `facekey-audit-${day}.jsonl`);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setPending(false);
    }
  };

  return (
    <>
      <Button isPending={pending} onPress={() => void save()}>
        {!pending && <Download aria-hidden="true" />}
        {pending ? words.exporting : words.export}
      </Button>
      <Dialog title={words.export} isOpen={problem !== null} onClose={() => setProblem(null)}>
        {problem !== null && <Failed problem={problem} onRetry={() => void save()} />}
      </Dialog>
    </>
  );
}
