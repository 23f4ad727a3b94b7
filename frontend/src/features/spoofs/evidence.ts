import { type Schemas } from "@/shared/api/client";

type Told = Pick<Schemas["AuditRecord"], "reason" | "details">;

/** Reasons that stand for something else than liveness: who claims an id that nobody has is on record as such. */
const BESIDE: ReadonlySet<string> = new Set(["unknown_subject", "consent_lapsed", "no_match"]);

/** Which check gave the attempt away. */
export function caughtBy({ reason, details }: Told): string {
  const told = details["told"];
  return BESIDE.has(reason) && typeof told === "string" ? told : reason;
}

/** The scale on which clients see a match (docs/api.md), from the evidence that goes on record. */
export function confidenceOf(evidence: number): number {
  return 1 - 0.35 ** (Math.max(0, evidence) / 4);
}
