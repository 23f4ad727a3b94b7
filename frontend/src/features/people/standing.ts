import { type Schemas } from "@/shared/api/client";
import { formatDate } from "@/shared/format/format";
import { text } from "@/shared/text/text";

export type Person = Schemas["User"] & {
  readonly last_seen_on?: string | null;
  readonly failures?: number;
  readonly wait_until?: string | null;
  readonly locked_at?: string | null;
};

/** What the attempt limits say of somebody. */
interface Limited {
  readonly wait_until?: string | null;
  readonly locked_at?: string | null;
}

export type Standing = "locked" | "waiting" | "active";

/** Whether somebody may try to sign in: not at all, not yet, or yes. */
export function standingOf({ locked_at, wait_until }: Limited, nowMs: number): Standing {
  if (locked_at != null) return "locked";
  return wait_until != null && Date.parse(wait_until) > nowMs ? "waiting" : "active";
}

/** The day of the last accepted sign-in. A day has no time zone: at noon it is the same one nearly everywhere. */
export function lastSeen({ last_seen_on }: Person): string {
  return last_seen_on == null ? text.common.never : formatDate(`${last_seen_on}T12:00:00Z`);
}

/** The networks that a template is made of, without the mark of their weights. */
export function networksOf({ models }: Person): string {
  return models.map((model) => model.split(":", 1)[0] ?? model).join(", ");
}
