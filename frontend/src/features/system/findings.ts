import { type Schemas } from "@/shared/api/client";

export type Check = Schemas["Item"];
export type Verdict = Check["verdict"];

/** What needs doing first comes first. */
export const VERDICTS: readonly Verdict[] = ["fail", "warn", "unknown", "ok"];

/** How many findings there are of each verdict. */
export function countsOf(checks: readonly Check[]): Readonly<Record<Verdict, number>> {
  const counts = { fail: 0, warn: 0, unknown: 0, ok: 0 };
  for (const { verdict } of checks) counts[verdict] += 1;
  return counts;
}

/** Findings in the order in which to do something about them; what is in order only where it is asked for. */
export function toDo(checks: readonly Check[], withFit: boolean): readonly Check[] {
  return checks
    .filter(({ verdict }) => withFit || verdict !== "ok")
    .toSorted((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict));
}
