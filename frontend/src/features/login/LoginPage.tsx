import { useNavigate } from "@tanstack/react-router";
import { Eye, EyeOff } from "lucide-react";
import { useEffect, useState, type SyntheticEvent } from "react";

import { api, form } from "@/shared/api/client";
import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { session } from "@/shared/session/session";
import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { TextField } from "@/shared/ui/Field";
import { Notice } from "@/shared/ui/Notice";
import { Card, Page } from "@/shared/ui/Page";
import { useSecondsLeft } from "@/shared/ui/States";

import styles from "./LoginPage.module.css";

const words = text.login;

/** Name and password for those who run the service; a one-time password is changed on the way. */
export function LoginPage({ next }: { readonly next: string }) {
  const current = useSession();
  const navigate = useNavigate();
  const [oneTime, setOneTime] = useState<{ readonly name: string; readonly password: string } | null>(null);
  const signedIn = current.state === "signed_in";
  useEffect(() => {
    if (signedIn) void navigate({ href: next, replace: true });
  }, [signedIn, navigate, next]);

  return (
    <Page
      title={oneTime === null ? words.title : words.chooseTitle}
      intro={oneTime === null ? words.intro : words.chooseIntro}
      narrow
    >
      <Card>
        {current.state === "signed_out" && current.expired && <Notice tone="warn">{words.expired}</Notice>}
        {oneTime === null ? (
          <LogIn onOneTime={(name, password) => setOneTime({ name, password })} />
        ) : (
          <ChoosePassword name={oneTime.name} oneTime={oneTime.password} />
        )}
      </Card>
      {oneTime === null && (
        <p className={styles["hint"]}>
          {words.noAccounts}
          <br />
          <code>{words.noAccountsCommand}</code>
        </p>
      )}
    </Page>
  );
}

function LogIn({ onOneTime }: { readonly onOneTime: (name: string, password: string) => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState(false);
  const { pending, problem, run } = useSubmission();

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(name === "" || password === "");
    if (name === "" || password === "") return;
    void run(async () => {
      try {
        await session.signIn(name, password);
      } catch (error) {
        if (asProblem(error).code !== "password_change_required") throw error;
        onOneTime(name, password);
      }
    });
  };

  return (
    <form className={styles["form"]} onSubmit={submit} noValidate>
      <TextField label={words.name} autoComplete="username" value={name} onChange={setName} spellCheck="false" />
      <PasswordField
        label={words.password}
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
        error={missing ? words.missing : null}
      />
      {problem !== null && <Refusal key={problem.detail} problem={problem} />}
      <Button type="submit" tone="primary" size="large" isPending={pending}>
        {pending ? words.submitting : words.submit}
      </Button>
    </form>
  );
}

function ChoosePassword({ name, oneTime }: { readonly name: string; readonly oneTime: string }) {
  const [chosen, setChosen] = useState("");
  const [again, setAgain] = useState("");
  const [differ, setDiffer] = useState(false);
  const { pending, problem, run } = useSubmission();

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setDiffer(chosen !== again);
    if (chosen === "" || chosen !== again) return;
    void run(async () => {
      const fields = { username: name, password: oneTime, new_password: chosen };
      await api.POST("/api/v1/auth/password", form(fields));
      await session.signIn(name, chosen);
    });
  };

  return (
    <form className={styles["form"]} onSubmit={submit} noValidate>
      {/* Not for eyes: a password manager keeps the new password under this name. */}
      <input
        className={styles["unseen"]}
        type="text"
        autoComplete="username"
        value={name}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <PasswordField
        label={words.newPassword}
        hint={words.newPasswordHint}
        autoComplete="new-password"
        value={chosen}
        onChange={setChosen}
      />
      <PasswordField
        label={words.repeatPassword}
        autoComplete="new-password"
        value={again}
        onChange={setAgain}
        error={differ ? words.differ : null}
      />
      {problem !== null && <Refusal key={problem.detail} problem={problem} />}
      <Button type="submit" tone="primary" size="large" isPending={pending}>
        {words.choose}
      </Button>
    </form>
  );
}

interface PasswordProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: "current-password" | "new-password";
  readonly hint?: string;
  readonly error?: string | null;
}

function PasswordField(props: PasswordProps) {
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <TextField
      {...props}
      type={shown ? "text" : "password"}
      suffix={
        <Button tone="quiet" size="small" aria-label={shown ? words.hide : words.show} onPress={() => setShown(!shown)}>
          <Icon aria-hidden="true" />
        </Button>
      }
    />
  );
}

function Refusal({ problem }: { readonly problem: ApiProblem }) {
  const left = useSecondsLeft(problem);
  return (
    <Notice tone="bad">
      {words.refusals[problem.code] ?? sentence(problem.detail)} {left > 0 && `${text.problems.tryAgainIn(left)}.`}
    </Notice>
  );
}

/** The service's words begin small and have no stop. */
function sentence(detail: string): string {
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}${detail.endsWith(".") ? "" : "."}`;
}

/** One attempt at a time, and why the last one failed. */
function useSubmission() {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const run = async (work: () => Promise<void>) => {
    setPending(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setPending(false);
    }
  };
  return { pending, problem, run };
}
