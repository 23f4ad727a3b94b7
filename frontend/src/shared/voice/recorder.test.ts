import { afterEach, describe, expect, it, vi } from "vitest";

import { levelOf, Recorder } from "./recorder";

vi.mock("./pcm-worklet?worker&url", () => ({ default: "/worklet.js" }));

function microphone(getUserMedia: () => Promise<MediaStream>): void {
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
}

afterEach(() => vi.unstubAllGlobals());

describe("a recorder", () => {
  it.each([
    ["NotAllowedError", "refused"],
    ["SecurityError", "refused"],
    ["NotFoundError", "missing"],
    ["NotReadableError", "busy"],
    ["OtherError", "failed"],
  ])("says why there is no microphone: %s", async (name, state) => {
    microphone(() => Promise.reject(new DOMException("no", name)));
    const recorder = new Recorder();
    expect(await recorder.record()).toBeNull();
    expect(recorder.current()).toEqual({ state });
  });

  it("needs a secure page", async () => {
    vi.stubGlobal("navigator", {});
    vi.stubGlobal("isSecureContext", false);
    const recorder = new Recorder();
    expect(await recorder.record()).toBeNull();
    expect(recorder.current()).toEqual({ state: "insecure" });
  });

  it("lets a microphone go that comes too late", async () => {
    const stop = vi.fn();
    let give: (stream: MediaStream) => void = () => undefined;
    microphone(() => new Promise((resolve) => (give = resolve)));
    const recorder = new Recorder();
    const recorded = recorder.record();
    expect(recorder.current()).toEqual({ state: "asking" });
    recorder.stop();
    give({ getTracks: () => [{ stop }] } as unknown as MediaStream);
    expect(await recorded).toBeNull();
    expect(stop).toHaveBeenCalledOnce();
    expect(recorder.current()).toEqual({ state: "idle" });
  });
});

describe("the level", () => {
  it("is none for silence, and all for full scale", () => {
    expect(levelOf([])).toBe(0);
    expect(levelOf([new Float32Array(10)])).toBe(0);
    expect(levelOf([new Float32Array(10).fill(1)])).toBe(1);
    expect(levelOf([new Float32Array(10).fill(0.001)])).toBeCloseTo(0);
    expect(levelOf([new Float32Array(10).fill(0.0316)])).toBeCloseTo(0.5, 2);
  });
});
