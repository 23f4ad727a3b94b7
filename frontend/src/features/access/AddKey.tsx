import { useState } from "react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { text } from "@/shared/text/text";
import { Select } from "@/shared/ui/Choice";
import { TextField } from "@/shared/ui/Field";

import { AddDialog } from "./AddDialog";

import styles from "./Access.module.css";

const words = text.access.keys;
const ROLES = (["service", "monitor", "operator"] as const).map((value) => ({ value, label: words.roles[value] }));
const LASTS = (["90", "365", "730", "never"] as const).map((value) => ({ value, label: words.lasts[value] }));

type Role = (typeof ROLES)[number]["value"];
type Lasts = (typeof LASTS)[number]["value"];

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onAdded: (made: Schemas["ApiKeyMade"]) => void;
}

/** A new key: for whom, and for how long. */
export function AddKey({ isOpen, onClose, onAdded }: Props) {
  const [role, setRole] = useState<Role>("service");
  const [lasts, setLasts] = useState<Lasts>("365");
  const [audience, setAudience] = useState("");
  const add = async (name: string) => {
    const body = {
      name,
      role,
      ...(lasts !== "never" && { lasts_days: Number(lasts) }),
      ...(role === "service" && audience.trim() !== "" && { audience: audience.trim() }),
    };
    onAdded(await answerOf(api.POST("/api/v1/api_keys", { body })));
    setAudience("");
  };
  return (
    <AddDialog
      title={words.add}
      isOpen={isOpen}
      onClose={onClose}
      onAdd={add}
      action={words.addAction}
      nameHint={words.nameHint}
    >
      <Select label={words.role} options={ROLES} value={role} onChange={setRole} />
      <p className={styles["soft"]}>{words.roleSays[role]}</p>
      {role === "service" && (
        <TextField
          label={words.audienceField}
          hint={words.audienceHint}
          value={audience}
          onChange={setAudience}
          autoComplete="off"
          spellCheck="false"
        />
      )}
      <Select label={words.lastsField} options={LASTS} value={lasts} onChange={setLasts} />
      {lasts === "never" && <p className={styles["soft"]}>{words.neverSays}</p>}
    </AddDialog>
  );
}
