import { type ReactNode, type Ref } from "react";
import {
  FieldError,
  Input,
  Label,
  SearchField as AriaSearchField,
  Text,
  TextField as AriaTextField,
  Button,
  type TextFieldProps,
} from "react-aria-components";

import { X } from "lucide-react";
import { text } from "@/shared/text/text";

import styles from "./Field.module.css";

interface Labelled {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | null;
}

type Props = Omit<TextFieldProps, "children" | "className"> &
  Labelled & { readonly placeholder?: string; readonly inputRef?: Ref<HTMLInputElement>; readonly suffix?: ReactNode };

/** One line of text with its label, a hint, and what is wrong with it. */
export function TextField({ label, hint, error, placeholder, inputRef, suffix, ...rest }: Props) {
  return (
    <AriaTextField {...rest} isInvalid={Boolean(error)} className={styles["field"] ?? ""}>
      <Label>{label}</Label>
      <div className={styles["box"]}>
        <Input placeholder={placeholder ?? ""} ref={inputRef ?? null} />
        {suffix}
      </div>
      {hint !== undefined && (
        <Text slot="description" className={styles["hint"] ?? ""}>
          {hint}
        </Text>
      )}
      <FieldError className={styles["error"] ?? ""}>{error}</FieldError>
    </AriaTextField>
  );
}

interface SearchProps {
  readonly label: string;
  readonly placeholder?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onSubmit?: (value: string) => void;
}

/** A search box; its label is for screen readers, its placeholder for eyes. */
export function SearchField({ label, placeholder, ...rest }: SearchProps) {
  return (
    <AriaSearchField {...rest} aria-label={label} className={styles["field"] ?? ""}>
      <div className={styles["box"]}>
        <Input placeholder={placeholder ?? label} />
        <Button aria-label={text.common.clear} className={styles["clear"] ?? ""}>
          <X aria-hidden="true" />
        </Button>
      </div>
    </AriaSearchField>
  );
}
