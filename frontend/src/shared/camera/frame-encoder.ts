import { type EncodeJob, type Encoded } from "./encode-worker";

/** How large a picture that leaves the page may be. It is made smaller to fit, never larger. */
export interface FrameSize {
  readonly mostWidthPx: number;
  readonly mostHeightPx: number;
  /** JPEG quality, 0..1. */
  readonly quality: number;
}

/** Turns what a video shows into a JPEG, beside the main thread so that the video stays smooth. */
export class FrameEncoder {
  readonly #size: FrameSize;
  #worker: Worker | null = null;
  #waiting: ((encoded: Blob | null) => void) | null = null;
  #busy = false;

  constructor(size: FrameSize) {
    this.#size = size;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Start the worker, so that the first picture needn't wait for it. */
  warm(): void {
    if (typeof OffscreenCanvas !== "undefined") this.#worker ??= this.#started();
  }

  /** The picture as it is now; null while another is encoded, before there is one, and when it can't be read. */
  async encode(video: HTMLVideoElement): Promise<Blob | null> {
    if (this.#busy || video.videoWidth === 0) return null;
    this.#busy = true;
    try {
      const { width, height } = fitted(video.videoWidth, video.videoHeight, this.#size);
      return typeof OffscreenCanvas === "undefined"
        ? await encodedHere(video, width, height, this.#size.quality)
        : await this.#encodedBeside(await createImageBitmap(video), width, height);
    } catch {
      return null; // a video that has just ended; the camera says why
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#waiting?.(null);
    this.#waiting = null;
  }

  #encodedBeside(picture: ImageBitmap, width: number, height: number): Promise<Blob | null> {
    this.#worker ??= this.#started();
    const worker = this.#worker;
    return new Promise((resolve) => {
      this.#waiting = resolve;
      worker.postMessage({ picture, width, height, quality: this.#size.quality } satisfies EncodeJob, [picture]);
    });
  }

  #started(): Worker {
    const worker = new Worker(new URL("./encode-worker.ts", import.meta.url), { type: "module" });
    const done = (encoded: Blob | null) => {
      this.#waiting?.(encoded);
      this.#waiting = null;
    };
    worker.onmessage = ({ data }: MessageEvent<Encoded>) => done(data.jpeg);
    worker.onerror = () => done(null);
    return worker;
  }
}

/** Width and height that keep the shape and stay within the limits, which hold for upright pictures turned over. */
export function fitted(width: number, height: number, size: FrameSize): { width: number; height: number } {
  const upright = height > width;
  const mostWidth = upright ? size.mostHeightPx : size.mostWidthPx;
  const mostHeight = upright ? size.mostWidthPx : size.mostHeightPx;
  const scale = Math.min(1, mostWidth / width, mostHeight / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

function encodedHere(video: HTMLVideoElement, width: number, height: number, quality: number): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(video, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}
