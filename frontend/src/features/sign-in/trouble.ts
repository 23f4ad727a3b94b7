/** Why an attempt ended without a decision. Each has a way on of its own. */
export type TroubleKind =
  | "locked"
  | "slow_down"
  | "unavailable"
  | "restarting"
  | "connection"
  | "unreachable"
  | "signed_out"
  | "not_allowed"
  | "operator"
  | "protocol"
  | "hidden";

export interface Trouble {
  readonly kind: TroubleKind;
  /** The service's own words, where it had any. */
  readonly detail: string | null;
  readonly retryAfterS: number | null;
}

const KINDS: Readonly<Record<string, TroubleKind>> = {
  too_many_attempts: "locked",
  too_many_requests: "slow_down",
  too_many_at_once: "slow_down",
  too_many_connections: "slow_down",
  overloaded: "slow_down",
  store_unavailable: "unavailable",
  key_unavailable: "unavailable",
  enrolment_gone: "unavailable",
  template_moved: "unavailable",
  gallery_moved: "unavailable",
  not_signed_in: "signed_out",
  not_allowed: "not_allowed",
  template_unreadable: "operator",
  audit_broken: "operator",
  model_error: "operator",
  internal_error: "operator",
};

const SERVICE_RESTARTS = 1012;
const TRY_LATER = 1013;

/** What a fatal `error` of the service means to the person. */
export function troubleOfCode(code: string, detail: string, retryAfterS: number | null): Trouble {
  return { kind: KINDS[code] ?? "protocol", detail, retryAfterS };
}

/** What it means that the socket closed before there was a decision. */
export function troubleOfClose(code: number, wasConnected: boolean): Trouble {
  const kind =
    code === SERVICE_RESTARTS
      ? "restarting"
      : code === TRY_LATER
        ? "slow_down"
        : wasConnected
          ? "connection"
          : "unreachable";
  return { kind, detail: null, retryAfterS: null };
}
