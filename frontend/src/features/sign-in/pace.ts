const START_FPS = 20;
const LEAST_FPS = 4;
const MOST_FPS = 25;
const RISE_FPS = 0.5; // with every answer that came in time
const FALL = 0.8;
const FALL_EVERY_MS = 250;
const WINDOW = 3; // frames on their way: one looked at, one waiting, one in the network
const NARROW = 2; // what a service that dropped one can hold: it is slower than the network
const FORGET_MS = 1500; // what isn't answered by then was dropped
const EARLY_MS = 5; // a picture that comes this early is taken: the next one would be late

/**
 * How often a frame is sent: as often as the service keeps up with, within bounds.
 *
 * The service looks at one frame at a time and holds one more; what comes beyond takes the place of that one.
 * So no more than that are ever on their way, and frames that pile up or are told as dropped mean: send fewer.
 */
export class Pace {
  #fps = START_FPS;
  #mostFps = MOST_FPS;
  #dueMs = -Infinity;
  #unanswered = 0;
  #heardMs = 0;
  #fellMs = -Infinity;
  #dropped = 0;
  #window = WINDOW;

  get fps(): number {
    return this.#fps;
  }

  /** Never send more than the service takes. */
  bound(fps: number): void {
    this.#mostFps = Math.max(LEAST_FPS, Math.min(MOST_FPS, fps));
    this.#fps = Math.min(this.#fps, this.#mostFps);
  }

  /** Whether another frame may go now. */
  ready(nowMs: number, bufferedBytes: number): boolean {
    if (nowMs < this.#dueMs - EARLY_MS) return false;
    if (this.#unanswered > 0 && nowMs - this.#heardMs > FORGET_MS) this.#unanswered = 0;
    if (bufferedBytes > 0) this.#fall(nowMs);
    return bufferedBytes === 0 && this.#unanswered < this.#window;
  }

  sent(nowMs: number): void {
    if (this.#unanswered === 0) this.#heardMs = nowMs;
    this.#unanswered += 1;
    // From when it was due, or small delays would add up to a slower rate.
    const stepMs = 1000 / this.#fps;
    this.#dueMs = Math.max(this.#dueMs + stepMs, nowMs + stepMs / 2);
  }

  /** A frame was answered. `dropped` is how many were not looked at, of all so far. */
  answered(nowMs: number, dropped: number | null): void {
    // Of three that were on their way, one may have taken the place of another.
    this.#unanswered = Math.max(0, this.#unanswered - (this.#unanswered >= WINDOW ? 2 : 1));
    this.#heardMs = nowMs;
    if (dropped !== null && dropped > this.#dropped) {
      this.#dropped = dropped;
      this.#window = NARROW;
      this.#fall(nowMs);
    } else {
      this.#fps = Math.min(this.#mostFps, this.#fps + RISE_FPS);
    }
  }

  #fall(nowMs: number): void {
    if (nowMs - this.#fellMs < FALL_EVERY_MS) return;
    this.#fellMs = nowMs;
    this.#fps = Math.max(LEAST_FPS, this.#fps * FALL);
  }
}
