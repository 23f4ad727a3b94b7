import { CloudOff, Lock, SearchX, type LucideIcon } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";

import { Button } from "./Button";
import { Spinner } from "./Spinner";

import styles from "./States.module.css";

interface StateProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
  readonly role?: "alert" | "status";
}

function State({ icon: Icon, title, children, action, role = "status" }: StateProps) {
  return (
    <div className={styles["state"]} role={role}>
      <Icon aria-hidden="true" />
      <strong>{title}</strong>
      {children !== undefined && <div className={styles["words"]}>{children}</div>}
      {action}
    </div>
  );
}

/** There is nothing here, and what to do about it. */
export function Empty({ icon = SearchX, ...rest }: Omit<StateProps, "icon" | "role"> & { readonly icon?: LucideIcon }) {
  return <State icon={icon} {...rest} />;
}

/** Something is on its way. */
export function Loading({ label = text.common.loading }: { readonly label?: string }) {
  return (
    <div className={styles["loading"]} role="status">
      <Spinner />
      <span>{label}</span>
    </div>
  );
}

/** What went wrong, and a way on: at once, or when the service says. */
export function Failed({ problem, onRetry }: { readonly problem: ApiProblem; readonly onRetry?: () => void }) {
  const left = useSecondsLeft(problem);
  const refused = problem.status === 403;
  return (
    <State
      icon={refused ? Lock : CloudOff}
      title={refused ? text.problems.notAllowed : problem.status === 0 ? text.common.unreachable : problem.detail}
      role="alert"
      action={
        onRetry !== undefined &&
        !refused && (
          <Button onPress={onRetry} isDisabled={left > 0}>
            {left > 0 ? text.problems.tryAgainIn(left) : text.problems.tryAgain}
          </Button>
        )
      }
    >
      {refused ? text.problems.notAllowedHow : problem.status === 0 ? problem.detail : undefined}
    </State>
  );
}

/** Seconds until a problem says that one may try again. */
export function useSecondsLeft(problem: Pick<ApiProblem, "retryAfterS">): number {
  const [left, setLeft] = useState(Math.ceil(problem.retryAfterS ?? 0));
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}

/** What `Loaded` reads of a query, be it of one answer or of pages. */
interface Asked<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly errorUpdatedAt: number;
  readonly refetch: () => unknown;
}

/** What a query gave; before that, that it is on its way, or why it isn't to be had. */
export function Loaded<Data>({
  query,
  children,
}: {
  readonly query: Asked<Data>;
  readonly children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error !== null)
    return <Failed key={query.errorUpdatedAt} problem={asProblem(query.error)} onRetry={() => query.refetch()} />;
  return <Loading />;
}
