import { useState, type ReactNode, type SyntheticEvent } from "react";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Dialog } from "@/shared/ui/Dialog";
import { TextField } from "@/shared/ui/Field";
import { Notice } from "@/shared/ui/Notice";

import { isName } from "./states";

import styles from "./Access.module.css";

const words = text.access;

interface Props {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** Makes it; the dialog stays, with the reason, when that fails. */
  readonly onAdd: (name: string) => Promise<void>;
  readonly action: string;
  readonly nameHint: string;
  /** Whatever is to be chosen beside the name. */
  readonly children: ReactNode;
}

/** Asks for a name and what goes with it, and makes an operator or a key of that. */
export function AddDialog({ title, isOpen, onClose, ...form }: Props) {
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose}>
      <AddForm onClose={onClose} {...form} />
    </Dialog>
  );
}

function AddForm({ onClose, onAdd, action, nameHint, children }: Omit<Props, "title" | "isOpen">) {
  const [name, setName] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const add = async () => {
    setPending(true);
    setProblem(null);
    try {
      await onAdd(name);
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setPending(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const found = isName(name) ? null : words.nameInvalid;
    setFault(found);
    if (found === null && !pending) void add();
  };

  return (
    <form className={styles["form"]} onSubmit={submit} noValidate>
      <TextField
        label={words.name}
        hint={nameHint}
        value={name}
        onChange={setName}
        error={fault}
        autoComplete="off"
        spellCheck="false"
      />
      {children}
      {problem !== null && <Notice tone="bad">{problem.detail}</Notice>}
      <div className={styles["end"]}>
        <Button onPress={onClose} isDisabled={pending}>
          {text.common.cancel}
        </Button>
        <Button type="submit" tone="primary" isPending={pending}>
          {action}
        </Button>
      </div>
    </form>
  );
}
