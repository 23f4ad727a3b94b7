import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { LiveSession } from "./live-session";

class FakeSocket extends EventTarget {
  readonly path: string;
  readonly sent: (string | Blob)[] = [];
  readonly closed: number[] = [];
  bufferedAmount = 0;
  constructor(path: string) {
    super();
    this.path = path;
  }
  send(data: string | Blob) {
    this.sent.push(data);
  }
  close(code: number) {
    this.closed.push(code);
  }
  says(status: object) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(status) }));
  }
  drops(code: number) {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const CONNECTED = { status: "connected", max_frame_bytes: 1000, max_frames_per_second: 30, session_seconds: 60 };
const FRAME = new Blob(["jpeg"]);
const DECISION = {
  authenticated: true,
  confidence: 0.91,
  threshold: 0.65,
  liveness_score: 0.95,
  reason: "live_match",
  advice: null,
  similarities: { fusion: 0.91 },
  probability: 0.97,
  quality_score: 0.93,
};

let sockets: FakeSocket[];
let session: LiveSession;

function attempt(token: () => Promise<string | null> = () => Promise.resolve(null)): LiveSession {
  return new LiveSession({
    userId: "john_doe",
    token,
    connect: (path) => {
      const socket = new FakeSocket(path);
      sockets.push(socket);
      return socket;
    },
  });
}

function socket(): FakeSocket {
  const one = sockets.at(-1);
  if (one === undefined) throw new Error("not opened");
  return one;
}

async function opened(): Promise<void> {
  session.open();
  await vi.advanceTimersByTimeAsync(0);
  socket().says(CONNECTED);
}

async function started(): Promise<void> {
  await opened();
  session.send(FRAME, performance.now());
}

beforeEach(async () => {
  vi.useFakeTimers();
  sockets = [];
  session = attempt();
  await Promise.resolve();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("starting", () => {
  it("says nothing before there is a picture", async () => {
    await opened();
    expect([socket().sent, session.current().phase]).toEqual([[], "connecting"]);
  });

  it("sends the start and then the frame's bytes", async () => {
    await started();
    const [first, second] = socket().sent;
    expect(JSON.parse(first as string)).toEqual({
      type: "start",
      user_id: "john_doe",
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    expect(second).toBe(FRAME);
  });

  it("brings the access token where there is one", async () => {
    session = attempt(() => Promise.resolve("t0ken"));
    await started();
    expect(JSON.parse(socket().sent[0] as string)).toMatchObject({ access_token: "t0ken" });
  });

  it("is new each time", async () => {
    await started();
    const [path, first] = [socket().path, socket().sent[0]];
    session = attempt();
    await started();
    expect(socket().path).not.toBe(path);
    expect(socket().sent[0]).not.toBe(first);
  });

  it("connects once, however often it is told to", async () => {
    await opened();
    session.open();
    expect(sockets).toHaveLength(1);
  });

  it("wants frames only once the service said hello", async () => {
    session.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(session.wants(0)).toBe(false);
    socket().says(CONNECTED);
    expect(session.wants(0)).toBe(true);
  });

  it("leaves out a frame that is too large", async () => {
    await opened();
    session.send(new Blob(["x".repeat(2000)]), 0);
    expect(socket().sent).toEqual([]);
  });
});

describe("going on", () => {
  const FACE = [0.1, 0.2, 0.5, 0.6];

  it("tells advice and where the face is", async () => {
    await started();
    socket().says({ status: "guidance", reason: "too_dark", advice: "Find more light.", face: FACE });
    expect(session.current()).toMatchObject({ face: FACE, advice: { reason: "too_dark", words: "Find more light." } });
  });

  it("shows a challenge until it is done", async () => {
    await started();
    const challenge = { status: "challenge", challenge_id: "c", instruction: "Turn.", expires_in_s: 20, face: FACE };
    socket().says({ ...challenge, action: "turn_left", number: 1, total: 2 });
    socket().says({ status: "progress", progress: 0.333, dropped: 0, face: FACE });
    expect(session.current()).toMatchObject({ challenge: { action: "turn_left", number: 1, total: 2 } });
    socket().says({ status: "guidance", reason: "not_at_rest", advice: "Relax.", face: FACE });
    expect(session.current()).toMatchObject({ challenge: null });
    socket().says({ ...challenge, action: "smile", number: 2, total: 2, expires_in_s: 14 });
    expect(session.current()).toMatchObject({ challenge: { action: "smile" }, time: { allMs: 20_000 } });
    socket().says({ status: "progress", progress: 1, dropped: 0, face: FACE });
    expect(session.current()).toMatchObject({ challenge: null, progress: 1 });
  });

  it("goes on after a frame that was no picture", async () => {
    await started();
    socket().says({ status: "error", code: "image_corrupt", detail: "no picture", fatal: false });
    expect(session.current().phase).toBe("watching");
  });

  it("passes over what it doesn't know", async () => {
    await started();
    socket().says({ status: "weather" });
    socket().dispatchEvent(new MessageEvent("message", { data: "not json" }));
    expect(session.current().phase).toBe("watching");
  });
});

describe("ending", () => {
  it("takes the decision and ends the connection", async () => {
    await started();
    socket().says({ status: "authenticated", ...DECISION });
    expect(session.current()).toMatchObject({ phase: "decided", decision: { authenticated: true, confidence: 0.91 } });
    socket().drops(1000);
    expect([session.current().phase, socket().closed]).toEqual(["decided", [1000]]);
  });

  it.each([
    ["rejected", true],
    ["authenticated", false],
  ])("a status of %s with authenticated: %s lets nobody in", async (status, authenticated) => {
    await started();
    socket().says({ ...DECISION, status, authenticated });
    expect(session.current()).toMatchObject({ phase: "decided", decision: { authenticated: false } });
  });

  it.each([
    ["too_many_attempts", 30, "locked"],
    ["too_many_requests", 2, "slow_down"],
    ["overloaded", 1, "slow_down"],
    ["not_signed_in", undefined, "signed_out"],
    ["audit_broken", undefined, "operator"],
    ["session_used", undefined, "protocol"],
  ])("tells %s as a state with a way on", async (code, after, kind) => {
    await started();
    socket().says({ status: "error", code, detail: "words", fatal: true, retry_after_s: after });
    socket().drops(1013);
    expect(session.current()).toEqual({
      phase: "broken",
      trouble: { kind, detail: "words", retryAfterS: after ?? null },
    });
  });

  it.each([
    [1012, "restarting"],
    [1013, "slow_down"],
    [1006, "connection"],
    [1000, "connection"],
  ])("a socket that closes with %d before the decision is: %s", async (code, kind) => {
    await started();
    socket().drops(code);
    expect(session.current()).toMatchObject({ phase: "broken", trouble: { kind } });
  });

  it("tells a service that never answered from a connection that broke", async () => {
    session.open();
    await vi.advanceTimersByTimeAsync(0);
    socket().drops(1006);
    expect(session.current()).toMatchObject({ phase: "broken", trouble: { kind: "unreachable" } });
  });

  it("gives up on a service that falls silent", async () => {
    await started();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(session.current()).toMatchObject({ phase: "broken", trouble: { kind: "connection" } });
    expect(socket().closed).toEqual([1000]);
  });

  it("waits for a camera that takes its time", async () => {
    await opened();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(session.over).toBe(false);
  });

  it("closes the socket when the person leaves, and sends nothing more", async () => {
    await started();
    session.leave();
    session.send(FRAME, performance.now());
    socket().says({ status: "authenticated", ...DECISION });
    expect([session.current().phase, socket().closed, socket().sent.length]).toEqual(["left", [1000], 2]);
  });

  it("ends when no credential can be had", async () => {
    session = attempt(() => Promise.reject(new Error("offline")));
    session.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(session.current()).toMatchObject({ phase: "broken", trouble: { kind: "unreachable" } });
  });
});
