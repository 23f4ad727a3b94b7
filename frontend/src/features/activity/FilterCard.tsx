import { SlidersHorizontal, X } from "lucide-react";
import { useId, useState, type SyntheticEvent } from "react";

import { actionWord, outcomeWord, reasonWord } from "@/shared/audit/words";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Checkbox, Select, type Option } from "@/shared/ui/Choice";
import { TextField } from "@/shared/ui/Field";

import { countOf, isUserId, withFilter, type Filters } from "./filters";

import styles from "./Activity.module.css";

const words = text.activity;
const ANY = "";

interface Props {
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

/** What one looks for. On a phone it is folded away. */
export function FilterCard({ filters, onFilters }: Props) {
  const [open, setOpen] = useState(false);
  const inside = useId();
  const count = countOf(filters);
  const set = <Name extends keyof Filters>(name: Name, value: Filters[Name] | "") =>
    onFilters(withFilter(filters, name, value));
  return (
    <section className={styles["filters"]} aria-label={words.filters}>
      <Button
        className={styles["fold"] ?? ""}
        aria-expanded={open}
        aria-controls={inside}
        onPress={() => setOpen(!open)}
      >
        <SlidersHorizontal aria-hidden="true" /> {count === 0 ? words.filters : `${words.filters} (${count})`}
      </Button>
      <div id={inside} className={styles["fields"]} data-open={open}>
        <Select
          label={words.action}
          options={optionsOf(words.anyAction, Object.keys(words.actions), actionWord, filters.action)}
          value={filters.action ?? ANY}
          onChange={(value) => set("action", value)}
        />
        <Select
          label={words.outcome}
          options={optionsOf(words.anyOutcome, Object.keys(words.outcomes), outcomeWord, filters.outcome)}
          value={filters.outcome ?? ANY}
          onChange={(value) => set("outcome", value)}
        />
        <Select
          label={words.reason}
          options={optionsOf(words.anyReason, Object.keys(words.reasons), reasonWord, filters.reason)}
          value={filters.reason ?? ANY}
          onChange={(value) => set("reason", value)}
        />
        <Typed
          key={`person ${filters.user_id ?? ""}`}
          label={words.person}
          value={filters.user_id ?? ""}
          onValue={(value) => set("user_id", value)}
          faultOf={(value) => (value === "" || isUserId(value) ? null : words.personInvalid)}
        />
        <Typed
          key={`from ${filters.from ?? ""}`}
          label={words.from}
          type="datetime-local"
          value={filters.from ?? ""}
          onValue={(value) => set("from", value)}
        />
        <Typed
          key={`to ${filters.to ?? ""}`}
          label={words.to}
          type="datetime-local"
          value={filters.to ?? ""}
          onValue={(value) => set("to", value)}
          faultOf={(value) => (value !== "" && filters.from !== undefined && value < filters.from ? words.order : null)}
        />
        <div className={styles["last"]}>
          <Checkbox isSelected={filters.reads !== true} onChange={(hide) => set("reads", hide ? "" : true)}>
            {words.hideReads}
          </Checkbox>
          {count > 0 && (
            <Button tone="quiet" size="small" onPress={() => onFilters(filters.reads === true ? { reads: true } : {})}>
              <X aria-hidden="true" /> {words.clearFilters}
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

function optionsOf(
  any: string,
  known: readonly string[],
  wordOf: (name: string) => string,
  chosen: string | undefined,
): readonly Option<string>[] {
  const names = chosen === undefined || known.includes(chosen) ? known : [...known, chosen];
  const options = names.map((value) => ({ value, label: wordOf(value) }));
  return [{ value: ANY, label: any }, ...options.toSorted((a, b) => a.label.localeCompare(b.label))];
}

interface TypedProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: string;
  readonly faultOf?: (value: string) => string | null;
}

/** A field that counts when one is done with it: on Enter, or on going elsewhere. */
function Typed({ label, value, onValue, type = "text", faultOf = () => null }: TypedProps) {
  const [typed, setTyped] = useState(value);
  const [fault, setFault] = useState<string | null>(null);
  const done = () => {
    const found = faultOf(typed.trim());
    setFault(found);
    if (found === null && typed.trim() !== value) onValue(typed.trim());
  };
  return (
    <form
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        done();
      }}
    >
      <TextField
        label={label}
        type={type}
        value={typed}
        onChange={setTyped}
        onBlur={done}
        error={fault}
        autoComplete="off"
        spellCheck="false"
      />
    </form>
  );
}
