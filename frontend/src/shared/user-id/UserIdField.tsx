import { type Ref } from "react";

import { text } from "@/shared/text/text";
import { TextField } from "@/shared/ui/Field";

interface Props {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | null;
  readonly hint?: string;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly isDisabled?: boolean;
}

/** Whom it is about. The browser is asked not to keep it: others may use this device. */
export function UserIdField({ hint = text.userId.hint, ...rest }: Props) {
  return (
    <TextField
      {...rest}
      label={text.userId.label}
      hint={hint}
      autoComplete="off"
      autoCorrect="off"
      inputMode="email" // no capital first letter on phones
      spellCheck="false"
    />
  );
}
