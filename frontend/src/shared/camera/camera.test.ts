import { beforeEach, describe, expect, it, vi } from "vitest";

import { Camera, type Devices } from "./camera";

class FakeTrack extends EventTarget {
  muted = false;
  readyState = "live";
  readonly settings: MediaTrackSettings;
  constructor(settings: MediaTrackSettings) {
    super();
    this.settings = settings;
  }
  getSettings() {
    return this.settings;
  }
  stop() {
    this.readyState = "ended";
  }
}

class FakeMedia extends EventTarget {
  readonly asked: MediaStreamConstraints[] = [];
  readonly tracks: FakeTrack[] = [];
  readonly faults: (string | null)[] = [];
  settings: MediaTrackSettings = { deviceId: "front" };
  plugged = [
    { kind: "videoinput", deviceId: "front", label: "Front camera" },
    { kind: "audioinput", deviceId: "mic", label: "Microphone" },
  ];

  getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    this.asked.push(constraints);
    const fault = this.faults.shift();
    if (fault) return Promise.reject(new DOMException("", fault));
    const track = new FakeTrack(this.settings);
    this.tracks.push(track);
    return Promise.resolve({ getTracks: () => [track], getVideoTracks: () => [track] } as unknown as MediaStream);
  }
  enumerateDevices() {
    return Promise.resolve(this.plugged as MediaDeviceInfo[]);
  }
}

let media: FakeMedia;
let camera: Camera;

beforeEach(() => {
  media = new FakeMedia();
  camera = cameraOf({ secure: true, media: media });
});

function cameraOf(devices: Devices): Camera {
  return new Camera(devices, { widthPx: 640, heightPx: 480 });
}

function state(): string {
  return camera.current().state;
}

describe("asking", () => {
  it("asks nothing of the browser before it is started", () => {
    expect([state(), media.asked]).toEqual(["idle", []]);
  });

  it("asks for no sound", async () => {
    await camera.start();
    expect(media.asked.map(({ audio }) => audio)).toEqual([false]);
  });

  it.each([
    ["NotAllowedError", "refused"],
    ["SecurityError", "forbidden"],
    ["NotFoundError", "missing"],
    ["NotReadableError", "busy"],
    ["AbortError", "busy"],
    ["InvalidStateError", "failed"],
  ])("tells %s as %s", async (fault, told) => {
    media.faults.push(fault);
    await camera.start();
    expect(state()).toBe(told);
  });

  it("asks for less when the camera can't do what was wished for", async () => {
    media.faults.push("OverconstrainedError", null);
    await camera.start("gone");
    expect([state(), media.asked[1]]).toEqual(["live", { video: true, audio: false }]);
  });

  it("tells an insecure page from a device without a camera", async () => {
    const insecure = cameraOf({ secure: false, media: null });
    const old = cameraOf({ secure: true, media: null });
    await Promise.all([insecure.start(), old.start()]);
    expect([insecure.current().state, old.current().state]).toEqual(["insecure", "missing"]);
  });

  it("can be started again after a refusal", async () => {
    media.faults.push("NotAllowedError", null);
    await camera.start();
    await camera.start();
    expect(state()).toBe("live");
  });
});

describe("live", () => {
  it("lists cameras, and no microphones", async () => {
    await camera.start();
    await vi.waitFor(() => expect(camera.current()).toMatchObject({ devices: [{ id: "front" }] }));
  });

  it.each([
    [undefined, true],
    ["user", true],
    ["environment", false],
  ])("a camera that faces %s is mirrored: %s", async (facingMode, mirrored) => {
    media.settings = facingMode === undefined ? {} : { facingMode };
    await camera.start();
    expect(camera.current()).toMatchObject({ mirrored });
  });

  it("notices a camera that is plugged in", async () => {
    await camera.start();
    media.plugged = [...media.plugged, { kind: "videoinput", deviceId: "usb", label: "USB camera" }];
    media.dispatchEvent(new Event("devicechange"));
    await vi.waitFor(() => expect(camera.current()).toMatchObject({ devices: [{ id: "front" }, { id: "usb" }] }));
  });

  it("is lost when the camera is unplugged", async () => {
    await camera.start();
    media.tracks[0]?.dispatchEvent(new Event("ended"));
    expect([state(), media.tracks[0]?.readyState]).toEqual(["lost", "ended"]);
  });

  it("is lost when there is no picture for long, and not when it comes back", async () => {
    vi.useFakeTimers();
    await camera.start();
    const track = media.tracks[0];
    if (track === undefined) throw new Error("no track");
    const mute = (muted: boolean) => {
      track.muted = muted;
      track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
    };
    mute(true);
    vi.advanceTimersByTime(2000);
    mute(false);
    vi.advanceTimersByTime(10_000);
    expect(state()).toBe("live");
    mute(true);
    vi.advanceTimersByTime(3000);
    expect(state()).toBe("lost");
    vi.useRealTimers();
  });
});

describe("letting go", () => {
  it("stops every track", async () => {
    await camera.start();
    camera.stop();
    expect([state(), media.tracks[0]?.readyState]).toEqual(["idle", "ended"]);
  });

  it("lets go of a picture that arrives after the person left", async () => {
    const started = camera.start();
    camera.stop();
    await started;
    expect([state(), media.tracks[0]?.readyState]).toEqual(["idle", "ended"]);
  });

  it("of two starts only the second counts", async () => {
    await Promise.all([camera.start(), camera.start("usb")]);
    expect([state(), ...media.tracks.map((track) => track.readyState)]).toEqual(["live", "ended", "live"]);
  });
});
