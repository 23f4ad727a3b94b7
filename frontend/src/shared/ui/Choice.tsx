import { Check, ChevronDown } from "lucide-react";
import { type ReactNode } from "react";
import {
  Button,
  CheckboxButton,
  CheckboxField,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select as AriaSelect,
  SelectValue,
  type CheckboxFieldProps,
} from "react-aria-components";

import styles from "./Choice.module.css";

export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

interface SelectProps<Value extends string> {
  readonly label: string;
  readonly options: readonly Option<Value>[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly hideLabel?: boolean;
  readonly isDisabled?: boolean;
}

/** One of several. */
export function Select<Value extends string>({
  label,
  options,
  value,
  onChange,
  hideLabel = false,
  isDisabled = false,
}: SelectProps<Value>) {
  return (
    <AriaSelect
      className={styles["select"] ?? ""}
      value={value}
      isDisabled={isDisabled}
      onChange={(key) => {
        const chosen = options.find((option) => option.value === key);
        if (chosen !== undefined) onChange(chosen.value);
      }}
      {...(hideLabel ? { "aria-label": label } : {})}
    >
      {!hideLabel && <Label className={styles["label"] ?? ""}>{label}</Label>}
      <Button>
        {/* Without its own words it would show the whole option, mark and all. */}
        <SelectValue>{({ selectedText }) => selectedText}</SelectValue>
        <ChevronDown aria-hidden="true" />
      </Button>
      <Popover className={styles["popover"] ?? ""}>
        <ListBox items={options} className={styles["list"] ?? ""}>
          {(option) => (
            <ListBoxItem id={option.value} textValue={option.label} className={styles["option"] ?? ""}>
              <Check aria-hidden="true" />
              <span>{option.label}</span>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** A yes or no that is sent with the rest. */
export function Checkbox({
  children,
  ...rest
}: Omit<CheckboxFieldProps, "children" | "className"> & { readonly children: ReactNode }) {
  return (
    <CheckboxField {...rest}>
      <CheckboxButton className={styles["checkbox"] ?? ""}>
        <span className={styles["mark"]} aria-hidden="true">
          <Check />
        </span>
        <span>{children}</span>
      </CheckboxButton>
    </CheckboxField>
  );
}
