import { LockOpen, Search } from "lucide-react";
import { useState, type SyntheticEvent } from "react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { TextField } from "@/shared/ui/Field";
import { Notice } from "@/shared/ui/Notice";
import { Card } from "@/shared/ui/Page";
import { useNow, When } from "@/shared/ui/When";

import styles from "./Access.module.css";

const words = text.access.address;

interface Found {
  readonly address: string;
  readonly limit: Schemas["Limit"];
}

/** How an address stands with the attempt limits, and lifting them. */
export function AddressCard() {
  const [address, setAddress] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [pending, setPending] = useState(false);
  const [asking, setAsking] = useState(false);

  const lookUp = async (of: string) => {
    setPending(true);
    setProblem(null);
    try {
      const params = { query: { address: of } };
      setFound({ address: of, limit: await answerOf(api.GET("/api/v1/attempts", { params })) });
    } catch (error) {
      setFound(null);
      setProblem(asProblem(error));
    } finally {
      setPending(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (address.trim() !== "" && !pending) void lookUp(address.trim());
  };
  const mistyped = problem?.code === "address_invalid";

  return (
    <Card title={words.title} hint={words.hint}>
      <form className={styles["lookUp"]} onSubmit={submit} noValidate>
        <TextField
          label={words.field}
          placeholder={words.example}
          value={address}
          onChange={setAddress}
          error={mistyped ? words.invalid : null}
          autoComplete="off"
          spellCheck="false"
        />
        <Button type="submit" isPending={pending}>
          <Search aria-hidden="true" /> {words.lookUp}
        </Button>
      </form>
      {problem !== null && !mistyped && <Notice tone="bad">{problem.detail}</Notice>}
      <div role="status">{found !== null && <Standing found={found} onUnlock={() => setAsking(true)} />}</div>
      <ConfirmDialog
        title={words.unlockTitle(found?.address ?? "")}
        isOpen={asking}
        onClose={() => setAsking(false)}
        action={words.unlock}
        tone="primary"
        onConfirm={async () => {
          if (found === null) return;
          await api.POST("/api/v1/attempts/unlock", { params: { query: { address: found.address } } });
          await lookUp(found.address);
        }}
      >
        <p>{words.unlockSays}</p>
      </ConfirmDialog>
    </Card>
  );
}

function Standing({ found: { address, limit }, onUnlock }: { readonly found: Found; readonly onUnlock: () => void }) {
  const now = useNow();
  const { failures, wait_until, locked_at } = limit;
  const waits = wait_until !== null && Date.parse(wait_until) > now;
  return (
    <div className={styles["standing"]}>
      <p>
        <strong>{address}</strong>: {words.failures(failures)}{" "}
        {locked_at !== null ? (
          <>
            {words.lockedSince} <When at={locked_at} />.
          </>
        ) : waits ? (
          <>
            {words.waitsUntil} <When at={wait_until} />.
          </>
        ) : (
          words.mayTry
        )}
      </p>
      {failures > 0 && (
        <Button onPress={onUnlock}>
          <LockOpen aria-hidden="true" /> {words.unlock}
        </Button>
      )}
    </div>
  );
}
