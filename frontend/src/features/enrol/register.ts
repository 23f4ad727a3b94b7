import { type Schemas } from "@/shared/api/client";
import { ApiProblem, problemOf, unreachable } from "@/shared/api/problem";
import { session } from "@/shared/session/session";

import { CONSENT } from "./consent";

export type Registered = Schemas["Registered"];

interface Registration {
  readonly userId: string;
  readonly photos: readonly Blob[];
  /** Told how much was sent, 0..1. */
  readonly onSent: (share: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Send photos and consent, and say how far that is; `fetch` can't.
 *
 * Throws ApiProblem: `different_people`, `face_already_enrolled`, `user_exists`, `too_few_usable_images`, ...
 */
export async function register(registration: Registration): Promise<Registered> {
  const token = await session.token();
  try {
    return await sent(registration, token);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
    const renewed = await session.renewed(token);
    if (renewed === null) throw error;
    return sent(registration, renewed);
  }
}

function sent({ userId, photos, onSent, signal }: Registration, token: string | null): Promise<Registered> {
  const data = new FormData();
  data.append("user_id", userId);
  data.append("consent_purpose", CONSENT.purpose);
  data.append("consent_text_version", CONSENT.textVersion);
  // Names of files may tell more than their owner wants to.
  photos.forEach((photo, place) => data.append("images", photo, `photo-${place + 1}`));

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/register");
    if (token !== null) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onSent(total === 0 ? 0 : loaded / total);
    request.upload.onload = () => onSent(1);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(unreachable());
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(body as Registered);
      else reject(problemOf(answerOf(request), body));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(data);
  });
}

function answerOf(request: XMLHttpRequest): Response {
  const after = request.getResponseHeader("Retry-After");
  return new Response(null, { status: request.status, headers: after === null ? {} : { "Retry-After": after } });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
