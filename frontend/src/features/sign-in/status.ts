/** What the service says over a live stream. docs/streaming.md of the service is the protocol. */

export type FaceBox = readonly [number, number, number, number];

export interface Connected {
  readonly status: "connected";
  readonly max_frame_bytes: number;
  readonly max_frames_per_second: number;
}

export interface Advised {
  readonly status: "no_face" | "multiple_faces" | "guidance";
  readonly reason: string;
  readonly advice: string;
  readonly face: FaceBox | null;
}

export interface Progressed {
  readonly status: "progress";
  readonly progress: number;
  readonly dropped: number;
  readonly face: FaceBox | null;
}

export interface Challenged {
  readonly status: "challenge";
  readonly challenge_id: string;
  readonly action: string;
  readonly instruction: string;
  readonly number: number;
  readonly total: number;
  readonly expires_in_s: number;
  readonly face: FaceBox | null;
}

export interface Decision {
  readonly status: "authenticated" | "rejected" | "spoof_detected" | "expired";
  readonly authenticated: boolean;
  readonly reason: string;
  readonly advice: string | null;
  readonly confidence: number | null;
  readonly threshold: number | null;
  readonly liveness_score: number | null;
  readonly quality_score: number | null;
  readonly probability: number | null;
  readonly similarities: Readonly<Record<string, number>>;
}

export interface Refused {
  readonly status: "error";
  readonly code: string;
  readonly detail: string;
  readonly fatal: boolean;
  readonly retry_after_s: number | null;
}

export type Status = Connected | Advised | Progressed | Challenged | Decision | Refused;

type Told = Readonly<Record<string, unknown>>;

/** One message, as what it means; null for statuses that a later service may add. */
export function statusOf(message: unknown): Status | null {
  const told = read(message);
  if (told === null) return null;
  const status = told["status"];
  switch (status) {
    case "connected":
      return {
        status,
        max_frame_bytes: number(told, "max_frame_bytes") ?? Infinity,
        max_frames_per_second: number(told, "max_frames_per_second") ?? Infinity,
      };
    case "no_face":
    case "multiple_faces":
    case "guidance":
      return { status, reason: word(told, "reason"), advice: word(told, "advice"), face: face(told) };
    case "progress":
      return {
        status,
        progress: number(told, "progress") ?? 0,
        dropped: number(told, "dropped") ?? 0,
        face: face(told),
      };
    case "challenge":
      return {
        status,
        challenge_id: word(told, "challenge_id"),
        action: word(told, "action"),
        instruction: word(told, "instruction"),
        number: number(told, "number") ?? 1,
        total: number(told, "total") ?? 1,
        expires_in_s: number(told, "expires_in_s") ?? 0,
        face: face(told),
      };
    case "authenticated":
    case "rejected":
    case "spoof_detected":
    case "expired":
      return decision(status, told);
    case "error":
      return {
        status,
        code: word(told, "code"),
        detail: word(told, "detail"),
        fatal: told["fatal"] === true,
        retry_after_s: number(told, "retry_after_s"),
      };
    default:
      return null;
  }
}

function decision(status: Decision["status"], told: Told): Decision {
  const similarities = told["similarities"];
  return {
    status,
    // Two places must say yes: whoever reads only one of them must not be let in by mistake.
    authenticated: status === "authenticated" && told["authenticated"] === true,
    reason: word(told, "reason"),
    advice: typeof told["advice"] === "string" ? told["advice"] : null,
    confidence: number(told, "confidence"),
    threshold: number(told, "threshold"),
    liveness_score: number(told, "liveness_score"),
    quality_score: number(told, "quality_score"),
    probability: number(told, "probability"),
    similarities:
      typeof similarities === "object" && similarities !== null ? (similarities as Record<string, number>) : {},
  };
}

function read(message: unknown): Told | null {
  if (typeof message !== "string") return null;
  try {
    const told: unknown = JSON.parse(message);
    return typeof told === "object" && told !== null ? (told as Told) : null;
  } catch {
    return null;
  }
}

function number(told: Told, name: string): number | null {
  const value = told[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function word(told: Told, name: string): string {
  const value = told[name];
  return typeof value === "string" ? value : "";
}

function face(told: Told): FaceBox | null {
  const value = told["face"];
  return Array.isArray(value) && value.length === 4 && value.every((one) => typeof one === "number")
    ? (value as unknown as FaceBox)
    : null;
}
