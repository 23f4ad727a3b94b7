const MINUTE_S = 60;
const HOUR_S = 3600;

/** How long one has to wait, in words: "45 s", "3 min", "2 h". Never less than it is. */
export function formatWait(seconds: number): string {
  if (seconds <= 2 * MINUTE_S) return `${Math.ceil(seconds)} s`;
  if (seconds <= 2 * HOUR_S) return `${Math.ceil(seconds / MINUTE_S)} min`;
  return `${Math.ceil(seconds / HOUR_S)} h`;
}
