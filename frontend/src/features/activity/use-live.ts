import { useEffect, useState } from "react";

import { type AuditRecord } from "@/shared/audit/records";

import { follow, type FollowState } from "./follow";

const GATHER_MS = 200; // records of a busy moment are shown together
const MOST = 500; // what came since is kept; older ones are in the pages

interface Live {
  readonly state: FollowState;
  /** What came since, the newest first. */
  readonly records: readonly AuditRecord[];
}

const NOTHING: Live = { state: "connecting", records: [] };

/**
 * What is written to the log while one looks, as long as `on`.
 *
 * @param after the newest record that is known at the beginning; null begins with the next one.
 */
export function useLive(on: boolean, after: number | null): Live {
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    if (!on) return;
    const end = new AbortController();
    let waiting: AuditRecord[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      const came = waiting.reverse();
      waiting = [];
      timer = undefined;
      setLive(({ state, records }) => ({ state, records: joined(came, records) }));
    };
    void follow({
      after,
      signal: end.signal,
      onRecord: (record) => {
        waiting.push(record);
        timer ??= setTimeout(show, GATHER_MS);
      },
      onState: (state) => setLive((known) => ({ ...known, state })),
    });
    return () => {
      end.abort();
      clearTimeout(timer);
      show();
      // What came stays: whoever pauses wants to read it.
      setLive(({ records }) => ({ state: "connecting", records }));
    };
  }, [on, after]);
  return live;
}

/** A stream that was opened anew may begin with what is known. */
function joined(came: readonly AuditRecord[], known: readonly AuditRecord[]): readonly AuditRecord[] {
  const newest = known[0]?.sequence ?? 0;
  return [...came.filter(({ sequence }) => sequence > newest), ...known].slice(0, MOST);
}
