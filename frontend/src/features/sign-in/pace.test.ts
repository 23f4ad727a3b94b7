import { expect, it } from "vitest";

import { Pace } from "./pace";

/** Plays pictures of a 30 fps camera to a service that takes `serviceMs` for each; gives how many were sent and looked at. */
function played({ serviceMs, seconds, mostFps = 30 }: { serviceMs: number; seconds: number; mostFps?: number }) {
  const pace = new Pace();
  pace.bound(mostFps);
  let busyUntilMs: number | null = null;
  let waiting = false;
  let [sent, looked, dropped] = [0, 0, 0];
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 1) {
    if (busyUntilMs !== null && nowMs >= busyUntilMs) {
      looked += 1;
      pace.answered(nowMs, dropped);
      busyUntilMs = waiting ? nowMs + serviceMs : null;
      waiting = false;
    }
    if (nowMs % 33 !== 0 || !pace.ready(nowMs, 0)) continue;
    pace.sent(nowMs);
    sent += 1;
    if (busyUntilMs === null) busyUntilMs = nowMs + serviceMs;
    else {
      if (waiting) dropped += 1;
      waiting = true;
    }
  }
  return { sentFps: sent / seconds, lookedFps: looked / seconds, dropped };
}

it("never sends more than 25 frames a second, however quick the service is", () => {
  expect(played({ serviceMs: 5, seconds: 20 }).sentFps).toBeLessThanOrEqual(25.5);
});

it("gives a quick service enough to decide soon", () => {
  expect(played({ serviceMs: 20, seconds: 1.5 }).lookedFps).toBeGreaterThan(18);
});

it("keeps a slow service busy without piling frames up", () => {
  const { sentFps, lookedFps, dropped } = played({ serviceMs: 125, seconds: 20 });
  expect(lookedFps).toBeGreaterThan(6.5);
  expect(sentFps - lookedFps).toBeLessThan(2);
  expect(dropped).toBeLessThan(40);
});

it("keeps to the service's own limit", () => {
  expect(played({ serviceMs: 5, seconds: 10, mostFps: 10 }).sentFps).toBeLessThanOrEqual(10.5);
});

it("waits while the network is behind", () => {
  const pace = new Pace();
  expect([pace.ready(0, 50_000), pace.ready(0, 0)]).toEqual([false, true]);
});

it("goes on slowly when nothing is answered", () => {
  const pace = new Pace();
  let sent = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += 33) {
    if (!pace.ready(nowMs, 0)) continue;
    pace.sent(nowMs);
    sent += 1;
  }
  expect(sent).toBeGreaterThan(3);
  expect(sent).toBeLessThan(30);
});
