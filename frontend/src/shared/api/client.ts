import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

import { problemOf, unreachable } from "./problem";

export type Schemas = components["schemas"];

/** Gives every request its credential, and another one when the first no longer counts. */
export interface Credentials {
  /** The access token to send; null to send none. */
  token(): Promise<string | null>;
  /** Another token after this one was refused; null when there is none to be had. */
  renewed(refused: string | null): Promise<string | null>;
}

let credentials: Credentials = { token: () => Promise.resolve(null), renewed: () => Promise.resolve(null) };

/** Say where credentials come from; the session does, once, at start. */
export function takeCredentialsFrom(source: Credentials): void {
  credentials = source;
}

/**
 * `fetch` for everything of the service: signed, renewed once when refused, and thrown as a problem
 * when there is no answer.
 *
 * Throws ApiProblem when the service can't be reached; a refusal is returned like any answer.
 */
export async function signedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const again = request.clone();
  const token = await credentials.token();
  const answer = await sent(request, token);
  if (answer.status !== 401) return answer;
  const renewed = await credentials.renewed(token);
  return renewed === null ? answer : sent(again, renewed);
}

async function sent(request: Request, token: string | null): Promise<Response> {
  if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
}

const refusalsAreThrown: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    throw problemOf(response, await response.json().catch(() => null));
  },
};

/** The service, typed by its own description. Every method throws ApiProblem unless the answer is a success. */
export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  fetch: (request) => signedFetch(request),
});
api.use(refusalsAreThrown);

/** What a successful request gave; there is always something, because refusals are thrown. */
export async function answerOf<T>(request: Promise<{ data?: T }>): Promise<T> {
  const { data } = await request;
  return data as T;
}

/**
 * Options that send a form instead of JSON.
 *
 * openapi-fetch types `body` by the description, where a file is a string; the form itself is what is sent.
 */
export function form(fields: Readonly<Record<string, string | Blob | readonly Blob[] | undefined>>): {
  body: never;
  bodySerializer: () => FormData;
} {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (typeof value === "string") data.append(name, value);
    else
      for (const blob of value instanceof Blob ? [value] : value)
        data.append(name, blob, blob instanceof File ? blob.name : `${name}.jpg`);
  }
  return { body: fields as never, bodySerializer: () => data };
}
