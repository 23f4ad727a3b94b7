import { Pace } from "./pace";
import { statusOf, type Challenged, type Decision, type FaceBox, type Status } from "./status";
import { troubleOfClose, troubleOfCode, type Trouble } from "./trouble";

/** What the person is asked to do now. */
export interface Challenge {
  readonly action: string;
  readonly instruction: string;
  readonly number: number;
  readonly total: number;
}

/** An attempt that goes on. */
export interface Watching {
  readonly phase: "watching";
  readonly face: FaceBox | null;
  readonly progress: number;
  /** What to mend; null when all is well. */
  readonly advice: { readonly reason: string; readonly words: string } | null;
  readonly challenge: Challenge | null;
  /** Until when everything must be done, and how long that is; null before anything was asked. */
  readonly time: { readonly endsMs: number; readonly allMs: number } | null;
}

export type LiveState =
  | { readonly phase: "connecting" }
  | Watching
  | { readonly phase: "decided"; readonly decision: Decision }
  | { readonly phase: "broken"; readonly trouble: Trouble }
  | { readonly phase: "left" };

export type Socket = Pick<WebSocket, "send" | "close" | "bufferedAmount" | "addEventListener">;

interface Options {
  readonly userId: string;
  readonly token: () => Promise<string | null>;
  readonly connect: (path: string) => Socket;
}

const LEFT = 1000;
const SILENT_MS = 10_000;
const LOOK_MS = 1000;
const ROUNDED = 0.001; // the service tells progress with three digits
const FIRST: Watching = { phase: "watching", face: null, progress: 0, advice: null, challenge: null, time: null };

let attempts = 0;

/**
 * One attempt to sign in over the live stream: one socket, one session id, one decision.
 *
 * It is never resumed. A connection that breaks before the decision ends the attempt, and another one begins
 * anew. The first message goes out with the first frame, so nothing leaves the page before there is a picture.
 */
export class LiveSession {
  /** Tells one attempt of this page from another. */
  readonly number = ++attempts;
  #state: LiveState = { phase: "connecting" };
  #socket: Socket | null = null;
  #token: string | null = null;
  #ready = false;
  #connected = false;
  #started = false;
  #heardMs = performance.now();
  #mostBytes = Infinity;
  #watch: ReturnType<typeof setInterval> | undefined;
  readonly #pace = new Pace();
  readonly #listeners = new Set<() => void>();
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  readonly current = (): LiveState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Connect. A second call does nothing. */
  open(): void {
    if (this.#socket !== null || this.over) return;
    const socket = this.#options.connect(`/ws/${crypto.randomUUID()}`);
    this.#socket = socket;
    this.#heardMs = performance.now();
    socket.addEventListener("message", ({ data }) => this.#heard(data));
    socket.addEventListener("close", ({ code }) => this.#break(troubleOfClose(code, this.#connected)));
    this.#watch = setInterval(() => this.#lookAtTheClock(), LOOK_MS);
    this.#options
      .token()
      .then((token) => {
        this.#token = token;
        this.#ready = true;
      })
      .catch(() => this.fail({ kind: "unreachable", detail: null, retryAfterS: null }));
  }

  get over(): boolean {
    return this.#state.phase === "decided" || this.#state.phase === "broken" || this.#state.phase === "left";
  }

  /** Whether the service would look at another frame now. */
  wants(nowMs: number): boolean {
    const socket = this.#socket;
    return socket !== null && this.#connected && this.#ready && !this.over
      ? this.#pace.ready(nowMs, socket.bufferedAmount)
      : false;
  }

  send(frame: Blob, nowMs: number): void {
    const socket = this.#socket;
    if (socket === null || this.over || frame.size > this.#mostBytes) return;
    if (!this.#started) {
      this.#started = true;
      this.#heardMs = nowMs;
      const credential = this.#token === null ? {} : { access_token: this.#token };
      const first = { type: "start", user_id: this.#options.userId, session_id: crypto.randomUUID(), ...credential };
      socket.send(JSON.stringify(first));
      this.#set(FIRST);
    }
    socket.send(frame);
    this.#pace.sent(nowMs);
  }

  /** The person left; what was begun is given up. */
  leave(): void {
    if (this.over) return;
    this.#set({ phase: "left" });
    this.#close();
  }

  /** Something else ended the attempt. */
  fail(trouble: Trouble): void {
    this.#break(trouble);
    this.#close();
  }

  #heard(data: unknown): void {
    if (this.over) return;
    const nowMs = performance.now();
    this.#heardMs = nowMs;
    const status = statusOf(data);
    if (status !== null) this.#follow(status, nowMs);
  }

  #follow(status: Status, nowMs: number): void {
    switch (status.status) {
      case "connected":
        this.#connected = true;
        this.#mostBytes = status.max_frame_bytes;
        this.#pace.bound(status.max_frames_per_second);
        return;
      case "error":
        if (status.fatal) this.fail(troubleOfCode(status.code, status.detail, status.retry_after_s));
        else this.#pace.answered(nowMs, null);
        return;
      case "authenticated":
      case "rejected":
      case "spoof_detected":
      case "expired":
        this.#set({ phase: "decided", decision: status });
        this.#close();
        return;
      default:
        this.#pace.answered(nowMs, status.status === "progress" ? status.dropped : null);
        this.#set(next(this.#state.phase === "watching" ? this.#state : FIRST, status, nowMs));
    }
  }

  #break(trouble: Trouble): void {
    if (!this.over) this.#set({ phase: "broken", trouble });
    clearInterval(this.#watch);
  }

  #close(): void {
    clearInterval(this.#watch);
    this.#socket?.close(LEFT);
  }

  #lookAtTheClock(): void {
    const waits = this.#started || !this.#connected;
    if (waits && performance.now() - this.#heardMs > SILENT_MS)
      this.fail({ kind: this.#connected ? "connection" : "unreachable", detail: null, retryAfterS: null });
  }

  #set(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

type Going = Exclude<Status, Decision | { status: "connected" | "error" }>;

/** What is shown after a status. */
function next(was: Watching, status: Going, nowMs: number): Watching {
  const { face } = status;
  switch (status.status) {
    case "challenge":
      return { ...was, face, advice: null, challenge: challengeOf(status), time: was.time ?? timeOf(status, nowMs) };
    case "progress": {
      const done = was.challenge !== null && status.progress > progressBefore(was.challenge);
      return { ...was, face, advice: null, progress: status.progress, challenge: done ? null : was.challenge };
    }
    default: {
      const advice = { reason: status.reason, words: status.advice };
      // The service waits for a relaxed face only between what it asks.
      return { ...was, face, advice, challenge: status.reason === "not_at_rest" ? null : was.challenge };
    }
  }
}

function challengeOf({ action, instruction, number, total }: Challenged): Challenge {
  return { action, instruction, number, total };
}

/** How far one is while this is asked: the resting face counts as a part, like every action. */
function progressBefore({ number, total }: Challenge): number {
  return number / (total + 1) + ROUNDED;
}

/** One limit for all that is asked, from the first on. */
function timeOf({ expires_in_s }: Challenged, nowMs: number): Watching["time"] {
  return { endsMs: nowMs + expires_in_s * 1000, allMs: expires_in_s * 1000 };
}
