import { text } from "@/shared/text/text";

/** What the service answers instead of a decision (RFC 9457), or that it could not be reached. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  /** HTTP status; 0 when the service could not be reached. */
  readonly status: number;
  /** Stable word of the service; `unreachable` when there was no answer. */
  readonly code: string;
  /** A sentence for people. */
  readonly detail: string;
  /** When to come back, where the service says so. */
  readonly retryAfterS: number | null;
  /** All of the answer, for problems that tell more. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    retryAfterS: number | null = null,
    body: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfterS = retryAfterS;
    this.body = body;
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get passes(): boolean {
    return (
      this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
    );
  }
}

/** The problem that an unsuccessful answer tells, whoever gave it: the service or a proxy before it. */
export function problemOf(response: Response, body: unknown): ApiProblem {
  const told = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiProblem(
    response.status,
    typeof told["code"] === "string" ? told["code"] : `http_${response.status}`,
    typeof told["detail"] === "string"
      ? told["detail"]
      : (text.problems.byStatus[response.status] ?? text.problems.unknown),
    Number.isFinite(after) ? after : null,
    told,
  );
}

/** The problem of a request that got no answer. */
export function unreachable(): ApiProblem {
  return new ApiProblem(0, "unreachable", text.problems.unreachable);
}

/** Anything that was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof TypeError) return unreachable(); // what fetch throws when there is no answer
  return new ApiProblem(0, "defect", text.problems.unknown);
}
