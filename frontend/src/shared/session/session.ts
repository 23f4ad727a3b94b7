import { problemOf, unreachable } from "@/shared/api/problem";
import { api, answerOf, takeCredentialsFrom, type Schemas } from "@/shared/api/client";

export type Me = Schemas["Me"];
export type Permission = Schemas["Permission"];

/** Who uses the page. `open` is a service without accounts, which answers this machine only. */
export type Session =
  | { readonly state: "starting" }
  | { readonly state: "unreachable" }
  | { readonly state: "signed_out"; readonly expired: boolean }
  | { readonly state: "signed_in"; readonly me: Me };

const RENEW_BEFORE_S = 60;
const LOCK = "facekey-renewal";
const CHANNEL = "facekey-session";

type News = { readonly kind: "out" } | { readonly kind: "in" };

interface Held {
  readonly token: string;
  readonly untilMs: number;
}

/**
 * The one place that holds and renews access tokens.
 *
 * An access token lives in this page's memory only. What renews it is a cookie that no script can read. Each
 * renewal uses that cookie up and a second use would end the sign-in, so pages of one browser take turns (a Web
 * Lock), and requests of one page share one renewal.
 */
export class SessionKeeper {
  #session: Session = { state: "starting" };
  #held: Held | null = null;
  #renewal: Promise<string | null> | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);

  constructor() {
    if (this.#channel) this.#channel.onmessage = ({ data }: MessageEvent<News>) => this.#heard(data);
  }

  readonly current = (): Session => this.#session;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Find out who is here: nobody need sign in to an open service; others may still be signed in. */
  async start(): Promise<void> {
    this.#set({ state: "starting" });
    try {
      const open = await fetch("/api/v1/auth/me");
      if (open.ok) {
        this.#set({ state: "signed_in", me: (await open.json()) as Me });
      } else if (open.status !== 401) {
        throw problemOf(open, await open.json().catch(() => null));
      } else if ((await this.#renew()) !== null) {
        await this.#learnWho();
      } else {
        this.#set({ state: "signed_out", expired: false });
      }
    } catch {
      this.#set({ state: "unreachable" });
    }
  }

  /**
   * Sign in with name and password.
   *
   * Throws ApiProblem: `credentials_wrong`, `password_change_required`, `too_many_attempts`, ...
   */
  async signIn(username: string, password: string): Promise<void> {
    const fields = { grant_type: "password", username, password, refresh_in: "cookie" };
    this.#hold(await tokensFor(fields));
    await this.#learnWho();
    this.#channel?.postMessage({ kind: "in" } satisfies News);
  }

  /** End the sign-in, here and in the other pages of this browser. */
  async signOut(): Promise<void> {
    const token = await this.token();
    if (token !== null) {
      const headers = { Authorization: `Bearer ${token}` };
      // The page forgets its token even when the service can't be told.
      await fetch("/api/v1/auth/logout", { method: "POST", headers }).catch(() => null);
    }
    this.#forget(false);
    this.#channel?.postMessage({ kind: "out" } satisfies News);
  }

  /** The access token to send, renewed before it runs out; null when nobody is signed in. */
  async token(): Promise<string | null> {
    if (this.#held === null) return null;
    if (Date.now() < this.#held.untilMs) return this.#held.token;
    return this.renewed(this.#held.token);
  }

  /** Another token after this one was refused; null ends the sign-in. */
  async renewed(refused: string | null): Promise<string | null> {
    if (refused === null) return null;
    if (this.#held !== null && this.#held.token !== refused) return this.#held.token; // somebody was quicker
    const token = await this.#renew();
    if (token === null && this.#session.state === "signed_in") this.#forget(true);
    return token;
  }

  #renew(): Promise<string | null> {
    this.#renewal ??= inTurn(async () => {
      try {
        return this.#hold(await tokensFor({ grant_type: "refresh_token" }));
      } catch (error) {
        if (isRefusal(error)) return null;
        throw error;
      }
    }).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #learnWho(): Promise<void> {
    this.#set({ state: "signed_in", me: await answerOf(api.GET("/api/v1/auth/me")) });
  }

  #hold(tokens: Schemas["Tokens"]): string {
    const lastsS = Math.max(tokens.expires_in - RENEW_BEFORE_S, tokens.expires_in / 2);
    this.#held = { token: tokens.access_token, untilMs: Date.now() + lastsS * 1000 };
    return tokens.access_token;
  }

  #forget(expired: boolean): void {
    this.#held = null;
    this.#set({ state: "signed_out", expired });
  }

  #heard(news: News): void {
    const { state } = this.#session;
    if (news.kind === "out" && state === "signed_in" && this.#held !== null) this.#forget(false);
    if (news.kind === "in" && state === "signed_out") void this.start();
  }

  #set(session: Session): void {
    this.#session = session;
    for (const listener of this.#listeners) listener();
  }
}

async function tokensFor(fields: Record<string, string>): Promise<Schemas["Tokens"]> {
  const answer = await fetch("/api/v1/auth/token", { method: "POST", body: new URLSearchParams(fields) }).catch(() => {
    throw unreachable();
  });
  if (!answer.ok) throw problemOf(answer, await answer.json().catch(() => null));
  return (await answer.json()) as Schemas["Tokens"];
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "status" in error && [401, 403, 422].includes(Number(error.status));
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  // Locks exist in secure contexts only; so does the camera, without which there is little to do.
  return "locks" in navigator ? navigator.locks.request(LOCK, work) : work();
}

export const session = new SessionKeeper();
takeCredentialsFrom(session);
