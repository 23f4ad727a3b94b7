/** Steps that people count in. */
const STEPS = [1, 2, 2.5, 5, 10];

/** Where an axis from zero ends and what it is marked with, so that the largest value fits. */
export interface Axis {
  readonly end: number;
  readonly ticks: readonly number[];
}

/**
 * An axis from zero over these values, with round marks.
 *
 * @param intervals how many there should be, about.
 */
export function axisOver(largest: number, intervals = 4): Axis {
  if (!(largest > 0) || !Number.isFinite(largest)) return { end: 1, ticks: [0, 1] };
  const raw = largest / intervals;
  const power = 10 ** Math.floor(Math.log10(raw));
  // What a division leaves behind the comma must not push a fitting step out.
  const step = power * (STEPS.find((one) => one * power >= raw * (1 - 1e-9)) ?? 10);
  const count = Math.ceil(largest / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, number) => Number((number * step).toPrecision(12)));
  return { end: ticks[count] ?? largest, ticks };
}

/** A place on an axis, for the coordinates of a drawing that takes the width it is given. */
export function placeOn(axis: Axis, value: number): string {
  const share = Math.min(1, Math.max(0, value / axis.end));
  return `${(share * 100).toFixed(2)}%`;
}
