import worklet from "./pcm-worklet?worker&url";
import { wavOf } from "./wav";

/** Why nothing can be recorded. */
export type MicrophoneTrouble = "insecure" | "refused" | "missing" | "busy" | "failed";

export type RecorderState =
  | { readonly state: "idle" }
  | { readonly state: "asking" }
  | { readonly state: "recording"; readonly level: number; readonly seconds: number }
  | { readonly state: MicrophoneTrouble };

export const MOST_SECONDS = 8;
const QUIETEST_DB = -60;

/**
 * One microphone, from asking for it to letting it go.
 *
 * The sound stays as the microphone gives it: browsers' noise reduction is made for ears on the telephone, and
 * takes of a voice what tells it from others.
 */
export class Recorder {
  #state: RecorderState = { state: "idle" };
  #turn = 0;
  #release: (() => void) | null = null;
  #finish: (() => void) | null = null;
  readonly #listeners = new Set<() => void>();

  readonly current = (): RecorderState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Record until `finish`, or for eight seconds. Null when it was broken off, or when there is no microphone. */
  async record(): Promise<Blob | null> {
    this.#letGo();
    const turn = ++this.#turn;
    // Outside a secure context the browser has no such thing, whatever its types say.
    const media = (navigator as { readonly mediaDevices?: MediaDevices }).mediaDevices;
    if (media === undefined) {
      this.#set({ state: globalThis.isSecureContext ? "missing" : "insecure" });
      return null;
    }
    this.#set({ state: "asking" });
    try {
      const stream = await media.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
      });
      if (turn !== this.#turn) {
        for (const track of stream.getTracks()) track.stop();
        return null;
      }
      return await this.#listen(stream, turn);
    } catch (error) {
      if (turn === this.#turn) {
        this.#letGo();
        this.#set({ state: troubleOf(error) });
      }
      return null;
    }
  }

  /** That's enough: what was recorded is given. */
  readonly finish = (): void => this.#finish?.();

  /** Let the microphone go; what was recorded is thrown away. */
  readonly stop = (): void => {
    this.#turn += 1;
    this.#letGo();
    if (this.#state.state !== "idle") this.#set({ state: "idle" });
  };

  async #listen(stream: MediaStream, turn: number): Promise<Blob | null> {
    const context = new AudioContext();
    let done: (recorded: Blob | null) => void = () => undefined;
    this.#release = () => {
      for (const track of stream.getTracks()) track.stop();
      void context.close().catch(() => null);
      done(null);
    };
    await context.audioWorklet.addModule(worklet);
    if (turn !== this.#turn) return null;
    const node = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0 });
    const letGo = this.#release;
    this.#release = () => {
      node.port.onmessage = null; // blocks that are still on their way come too late
      letGo();
    };
    context.createMediaStreamSource(stream).connect(node);
    const parts: Float32Array[] = [];
    let count = 0;
    let shown = 0;
    return new Promise((resolve) => {
      done = resolve;
      this.#finish = () => {
        const recorded = wavOf(parts, context.sampleRate);
        done = () => undefined;
        this.#letGo();
        this.#set({ state: "idle" });
        resolve(recorded);
      };
      node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
        parts.push(data);
        count += data.length;
        const seconds = count / context.sampleRate;
        if (seconds >= MOST_SECONDS) {
          this.finish();
        } else if (seconds - shown > 0.08) {
          shown = seconds;
          this.#set({ state: "recording", level: levelOf(parts.slice(-24)), seconds });
        }
      };
      this.#set({ state: "recording", level: 0, seconds: 0 });
    });
  }

  #letGo(): void {
    this.#finish = null;
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  #set(state: RecorderState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** How loud it is, 0..1 on a scale of decibels. */
export function levelOf(parts: readonly Float32Array[]): number {
  let sum = 0;
  let count = 0;
  for (const part of parts) {
    for (const sample of part) sum += sample * sample;
    count += part.length;
  }
  if (sum === 0) return 0;
  const db = 10 * Math.log10(sum / count);
  return Math.max(0, Math.min(1, 1 - db / QUIETEST_DB));
}

function troubleOf(error: unknown): MicrophoneTrouble {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}
