/** A camera that can be chosen. */
export interface CameraDevice {
  readonly id: string;
  readonly label: string;
}

/** Why there is no picture. Each has a way on, so each is told apart. */
export type CameraTrouble = "insecure" | "refused" | "forbidden" | "missing" | "busy" | "lost" | "failed";

export interface LiveCamera {
  readonly state: "live";
  readonly stream: MediaStream;
  readonly deviceId: string;
  /** Whether the picture is shown as in a mirror: so with every camera that looks at its user. */
  readonly mirrored: boolean;
  readonly devices: readonly CameraDevice[];
}

export type CameraState =
  { readonly state: "idle" } | { readonly state: "asking" } | LiveCamera | { readonly state: CameraTrouble };

/** What a camera needs of the browser. */
export interface Devices {
  readonly secure: boolean;
  readonly media: Pick<
    MediaDevices,
    "getUserMedia" | "enumerateDevices" | "addEventListener" | "removeEventListener"
  > | null;
}

export interface PictureWish {
  readonly widthPx: number;
  readonly heightPx: number;
}

const FRAMES_PER_S = 30;
const MUTED_MS = 3000; // so long a camera may give no picture, as a phone does while it focuses or is turned

/**
 * One camera, from asking for it to letting it go.
 *
 * Nothing is asked of the browser before `start`. Whoever calls `stop`, or starts again, gets no picture of
 * the start before: a stream that arrives late is let go at once.
 */
export class Camera {
  #state: CameraState = { state: "idle" };
  #turn = 0;
  #release: (() => void) | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #devices: Devices;
  readonly #wish: PictureWish;

  constructor(devices: Devices, wish: PictureWish) {
    this.#devices = devices;
    this.#wish = wish;
  }

  readonly current = (): CameraState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Ask for a picture, of a certain camera or of the one that looks at the person. */
  async start(deviceId?: string): Promise<void> {
    this.#letGo();
    const turn = ++this.#turn;
    const { secure, media } = this.#devices;
    if (media === null) {
      this.#set({ state: secure ? "missing" : "insecure" });
      return;
    }
    this.#set({ state: "asking" });
    let stream: MediaStream;
    try {
      stream = await this.#open(media, deviceId);
    } catch (error) {
      if (turn === this.#turn) this.#set({ state: troubleOf(error) });
      return;
    }
    const track = stream.getVideoTracks()[0];
    if (turn !== this.#turn || track === undefined) {
      for (const one of stream.getTracks()) one.stop();
      if (turn === this.#turn) this.#set({ state: "missing" });
      return;
    }
    this.#hold(stream, track, media, turn);
  }

  /** Let the camera go; its light goes out. */
  readonly stop = (): void => {
    this.#turn += 1;
    this.#letGo();
    if (this.#state.state !== "idle") this.#set({ state: "idle" });
  };

  async #open(media: NonNullable<Devices["media"]>, deviceId: string | undefined): Promise<MediaStream> {
    const which = deviceId === undefined ? { facingMode: "user" } : { deviceId: { exact: deviceId } };
    const size = { width: { ideal: this.#wish.widthPx }, height: { ideal: this.#wish.heightPx } };
    try {
      return await media.getUserMedia({
        video: { ...which, ...size, frameRate: { ideal: FRAMES_PER_S } },
        audio: false,
      });
    } catch (error) {
      // The chosen camera may be gone, or can't do what was wished for: any picture is better than none.
      if (nameOf(error) !== "OverconstrainedError") throw error;
      return media.getUserMedia({ video: true, audio: false });
    }
  }

  #hold(stream: MediaStream, track: MediaStreamTrack, media: NonNullable<Devices["media"]>, turn: number): void {
    let muted: ReturnType<typeof setTimeout> | undefined;
    const lost = () => {
      this.#letGo();
      this.#set({ state: "lost" });
    };
    const listen = () => {
      clearTimeout(muted);
      if (track.muted) muted = setTimeout(lost, MUTED_MS);
    };
    const relist = () => {
      void listed(media).then((devices) => {
        if (turn === this.#turn && this.#state.state === "live") this.#set({ ...this.#state, devices });
      });
    };
    track.addEventListener("ended", lost);
    track.addEventListener("mute", listen);
    track.addEventListener("unmute", listen);
    media.addEventListener("devicechange", relist);
    this.#release = () => {
      clearTimeout(muted);
      track.removeEventListener("ended", lost);
      track.removeEventListener("mute", listen);
      track.removeEventListener("unmute", listen);
      media.removeEventListener("devicechange", relist);
      for (const one of stream.getTracks()) one.stop();
    };
    listen();
    const { deviceId = "", facingMode } = track.getSettings();
    this.#set({ state: "live", stream, deviceId, mirrored: facingMode !== "environment", devices: [] });
    // Names of cameras are told only after the person allowed one.
    relist();
  }

  #letGo(): void {
    this.#release?.();
    this.#release = null;
  }

  #set(state: CameraState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

async function listed(media: NonNullable<Devices["media"]>): Promise<readonly CameraDevice[]> {
  const all = await media.enumerateDevices().catch(() => []);
  return all
    .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}

function troubleOf(error: unknown): CameraTrouble {
  switch (nameOf(error)) {
    case "NotAllowedError":
      return "refused";
    case "SecurityError":
      return "forbidden";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}
