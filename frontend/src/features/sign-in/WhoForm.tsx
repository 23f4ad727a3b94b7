import { useQuery } from "@tanstack/react-query";
import { Camera, EyeOff, ScanFace, ShieldCheck } from "lucide-react";
import { useRef, useState, type SyntheticEvent } from "react";

import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { faultOfUserId } from "@/shared/user-id/user-id";
import { UserIdField } from "@/shared/user-id/UserIdField";

import { Fallback } from "./Fallback";

import styles from "./WhoForm.module.css";

const words = text.signIn;

/** Who it is, and what will happen, before anything happens. */
export function WhoForm({ userId, onStart }: { readonly userId: string; readonly onStart: (userId: string) => void }) {
  const [given, setGiven] = useState(userId);
  const [fault, setFault] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const kept = useQuery(systemInfoQuery).data?.images_stored === true;
  const facts = [
    [Camera, words.facts.camera],
    [ShieldCheck, kept ? words.facts.picturesKept : words.facts.pictures],
    [EyeOff, words.facts.nothing],
  ] as const;

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const trimmed = given.trim();
    const wrong = faultOfUserId(trimmed);
    setFault(wrong);
    if (wrong === null) onStart(trimmed);
    else input.current?.focus();
  };

  return (
    <form className={styles["form"]} onSubmit={submit} noValidate>
      <UserIdField
        value={given}
        onChange={(value) => {
          setGiven(value);
          setFault(null);
        }}
        error={fault}
        hint={words.idHint}
        inputRef={input}
      />
      <section className={styles["facts"]} aria-label={words.before}>
        <ul>
          {facts.map(([Icon, [what, more]]) => (
            <li key={what}>
              <Icon aria-hidden="true" />
              <span>
                <strong>{what}</strong> {more}
              </span>
            </li>
          ))}
        </ul>
      </section>
      <Button type="submit" tone="primary" size="large">
        <ScanFace aria-hidden="true" />
        {words.start}
      </Button>
      <Fallback />
    </form>
  );
}
