import { type Schemas } from "@/shared/api/client";

export type ApiKey = Schemas["ApiKeyView"];
export type Operator = Schemas["OperatorView"];

export type KeyState = "active" | "ends_soon" | "ended" | "revoked";

const SOON_MS = 14 * 86_400_000;

/** Whether a key opens anything, and whether it will for long. */
export function keyStateOf(
  { revoked_at, expires_at }: Pick<ApiKey, "revoked_at" | "expires_at">,
  now: number,
): KeyState {
  if (revoked_at !== null) return "revoked";
  if (expires_at === null) return "active";
  const left = Date.parse(expires_at) - now;
  return left <= 0 ? "ended" : left <= SOON_MS ? "ends_soon" : "active";
}

export type OperatorState = "active" | "invited" | "disabled";

/** Whether an operator can sign in; who was invited has yet to choose a password. */
export function operatorStateOf({ disabled_at, must_choose_password }: Operator): OperatorState {
  if (disabled_at !== null) return "disabled";
  return must_choose_password ? "invited" : "active";
}

/** Those that count first, and among them by name. */
export function inOrder<Item extends { readonly name: string }>(
  items: readonly Item[],
  isOver: (item: Item) => boolean,
): readonly Item[] {
  return items.toSorted((a, b) => Number(isOver(a)) - Number(isOver(b)) || a.name.localeCompare(b.name));
}

const NAME = /^[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]$/;

/** Whether the service takes this as the name of an operator or a key. */
export function isName(name: string): boolean {
  return NAME.test(name);
}
