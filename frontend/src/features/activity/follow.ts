import { signedFetch } from "@/shared/api/client";
import { asProblem, problemOf } from "@/shared/api/problem";
import { type AuditRecord } from "@/shared/audit/records";

import { linesOf } from "./ndjson";

/** `away`: the connection can't be had for now; whoever shows records asks for them another way until it is back. */
export type FollowState = "connecting" | "live" | "away";

interface Following {
  /** The last record that is known; null begins with the next one. */
  readonly after: number | null;
  readonly signal: AbortSignal;
  readonly onRecord: (record: AuditRecord) => void;
  readonly onState: (state: FollowState) => void;
  readonly open?: (after: number | null, signal: AbortSignal) => Promise<Response>;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const SILENCE_MS = 30_000; // the service says something every ten seconds
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const AWAY_AFTER = 2; // failures in a row

/** Records as they are written, until `signal`. Opens the connection again where it broke off, later each time. */
export async function follow(following: Following): Promise<void> {
  const { signal, onRecord, onState, open = openLive, pause = pauseFor } = following;
  let after = following.after;
  let failures = 0;
  while (!hasEnded(signal)) {
    if (failures === 0) onState("connecting");
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const response = await open(after, AbortSignal.any([signal, silence.signal]));
      if (!response.ok || response.body === null) throw problemOf(response, await response.json().catch(() => null));
      onState("live");
      for await (const line of linesOf(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        failures = 0;
        if (line === "") continue;
        const record = JSON.parse(line) as AuditRecord;
        after = record.sequence;
        onRecord(record);
      }
      failures += 1; // an end is expected; one right after the beginning is not, and lines in between clear it
    } catch (error) {
      const problem = asProblem(error);
      failures = problem.status === 0 || problem.passes ? failures + 1 : AWAY_AFTER + 3;
    } finally {
      clearTimeout(timer);
    }
    if (hasEnded(signal)) return;
    if (failures >= AWAY_AFTER) onState("away");
    await pause(pauseMs(failures), signal);
  }
}

/** Asked anew: it may have ended while one waited. */
function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** How long to wait after so many failures in a row: twice as long each time, up to a minute. */
export function pauseMs(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

function openLive(after: number | null, signal: AbortSignal): Promise<Response> {
  return signedFetch(`/api/v1/audit/live${after === null ? "" : `?after=${after}`}`, { signal });
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
