import { expect, it } from "vitest";

import { unreachable } from "@/shared/api/problem";

import { follow, pauseMs, type FollowState } from "./follow";

/** A body, a status, or no answer at all. */
type Answer = string | number | null;

/** Follows a service that gives these answers one after the other, until it has no more. */
async function followed(answers: readonly Answer[], after: number | null = 3) {
  const end = new AbortController();
  const seen = {
    records: [] as number[],
    states: [] as FollowState[],
    asked: [] as (number | null)[],
    pauses: [] as number[],
  };
  const left = [...answers];
  await follow({
    after,
    signal: end.signal,
    onRecord: ({ sequence }) => seen.records.push(sequence),
    onState: (state) => seen.states.push(state),
    open: (from) => {
      seen.asked.push(from);
      const answer = left.shift();
      if (answer == null) return Promise.reject(unreachable());
      if (typeof answer === "number") return Promise.resolve(new Response("{}", { status: answer }));
      return Promise.resolve(new Response(answer));
    },
    pause: (ms) => {
      seen.pauses.push(ms);
      if (left.length === 0) end.abort();
      return Promise.resolve();
    },
  });
  return seen;
}

it("gives records and goes on behind the last one", async () => {
  const seen = await followed(['{"sequence":4}\n\n{"sequence":5}\n', '{"sequence":6}\n']);
  expect(seen.records).toEqual([4, 5, 6]);
  expect(seen.asked).toEqual([3, 5]);
});

it("is away after two failures, waits longer each time, and is live again", async () => {
  const seen = await followed([null, 503, null, '{"sequence":4}\n']);
  expect(seen.states).toEqual(["connecting", "away", "away", "live"]);
  expect(seen.pauses).toEqual([1000, 2000, 4000, 1000]);
});

it("is away at once when the service doesn't have it", async () => {
  const seen = await followed([404]);
  expect(seen.states).toEqual(["connecting", "away"]);
});

it("begins with the next record when none is known", async () => {
  expect((await followed(["\n"], null)).asked).toEqual([null]);
});

it("never waits longer than a minute", () => {
  expect(pauseMs(30)).toBe(60_000);
});
