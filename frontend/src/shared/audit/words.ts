import { text } from "@/shared/text/text";
import { type BadgeTone } from "@/shared/ui/Badge";

const words = text.activity;

/** What was done, in words; a name that this version doesn't know is shown as the service says it. */
export function actionWord(action: string): string {
  return words.actions[action] ?? spelled(action);
}

export function outcomeWord(outcome: string): string {
  return words.outcomes[outcome] ?? spelled(outcome);
}

export function reasonWord(reason: string): string {
  return words.reasons[reason] ?? spelled(reason);
}

/** Whose doing it was: the kind of the caller, and the number that tells one from another. */
export function actorOf(actor: string): { readonly kind: string; readonly uid: string | null } {
  const [kind = actor, uid] = actor.split(":", 2);
  return { kind: words.actors[kind] ?? spelled(kind), uid: uid ?? null };
}

const SPOOFS: ReadonlySet<string> = new Set([
  "spoof_suspected",
  "frames_replayed",
  "frames_repeated",
  "frames_reordered",
  "time_backwards",
  "face_jumped",
  "other_face",
  "foreign_challenge",
]);
const GOOD: ReadonlySet<string> = new Set(["accept", "enrolled"]);
const BAD: ReadonlySet<string> = new Set(["locked", "worse"]);
const WARN: ReadonlySet<string> = new Set(["reject", "refused"]);

/** How an outcome looks. The word says it; the tone only helps the eye. */
export function toneOf(outcome: string, reason: string): BadgeTone {
  if (SPOOFS.has(reason) || reason === "refresh_token_reused" || BAD.has(outcome)) return "bad";
  if (GOOD.has(outcome)) return "good";
  return WARN.has(outcome) ? "warn" : "neutral";
}

function spelled(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
