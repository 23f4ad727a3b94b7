import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { TextField } from "@/shared/ui/Field";
import { Card } from "@/shared/ui/Page";

import { personGone } from "./queries";

import styles from "./People.module.css";

const words = text.people;

interface Props {
  readonly userId: string;
  readonly onErased: (receipt: Schemas["Erased"]) => void;
}

/** Erases a person, after their id was typed: nobody can bring them back. */
export function EraseCard({ userId, onErased }: Props) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  return (
    <Card title={words.erase} hint={words.eraseHint}>
      <div className={styles["stack"]}>
        <Button tone="danger" onPress={() => setAsking(true)}>
          <Trash2 aria-hidden="true" /> {words.eraseButton}
        </Button>
      </div>
      <ConfirmDialog
        title={words.eraseTitle(userId)}
        isOpen={asking}
        onClose={() => {
          setAsking(false);
          setTyped("");
        }}
        action={words.eraseAction}
        isDisabled={typed !== userId}
        onConfirm={async () => {
          const path = { user_id: userId };
          onErased(await answerOf(api.DELETE("/api/v1/users/{user_id}", { params: { path } })));
          personGone(queries, userId);
        }}
      >
        <p>{words.eraseWhat}</p>
        <TextField
          label={words.eraseType(userId)}
          value={typed}
          onChange={setTyped}
          autoComplete="off"
          spellCheck="false"
        />
      </ConfirmDialog>
    </Card>
  );
}
