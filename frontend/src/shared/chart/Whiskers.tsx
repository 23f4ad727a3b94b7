import { type ReactNode } from "react";

import { AxisLines, AxisMarks } from "./Axis";
import { axisOver, placeOn, type Axis } from "./scale";

import styles from "./Whiskers.module.css";

/** A value and how far it may be off. */
export interface Interval {
  readonly low: number;
  readonly value: number;
  readonly high: number;
}

export interface WhiskerRow {
  readonly name: string;
  readonly note?: string;
  readonly own: Interval;
  /** What it is compared with. */
  readonly others: Interval | null;
  readonly stands: "out" | "fine" | "unknown";
  readonly verdict: ReactNode;
}

interface Words {
  readonly name: string;
  readonly chart: string;
  readonly own: string;
  readonly others: string;
  readonly verdict: string;
}

interface Props {
  readonly label: string;
  readonly words: Words;
  readonly rows: readonly WhiskerRow[];
  readonly format: (value: number) => string;
}

/**
 * Values with their intervals, as dots with whiskers beside what they are compared with.
 *
 * It is a table: each drawing stands beside the figures it shows, which are what a screen reader reads.
 */
export function Whiskers({ label, words, rows, format }: Props) {
  const axis = axisOver(Math.max(...rows.flatMap(({ own, others }) => [own.high, others?.high ?? 0])));
  const told = ({ low, value, high }: Interval) => (
    <>
      <strong>{format(value)}</strong>{" "}
      <span className={styles["interval"]}>
        [{format(low)}, {format(high)}]
      </span>
    </>
  );
  return (
    <table className={styles["whiskers"]}>
      <caption className={styles["hidden"]}>{label}</caption>
      <thead>
        <tr>
          <th scope="col">{words.name}</th>
          <th scope="col" className={styles["drawn"]}>
            {words.chart}
          </th>
          <th scope="col">{words.own}</th>
          <th scope="col">{words.others}</th>
          <th scope="col">{words.verdict}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">
              {row.name}
              {row.note !== undefined && <span className={styles["interval"]}>{row.note}</span>}
            </th>
            <td className={styles["drawn"]}>
              <Drawing row={row} axis={axis} />
            </td>
            <td data-label={words.own}>{told(row.own)}</td>
            <td data-label={words.others}>{row.others === null ? "–" : told(row.others)}</td>
            <td>{row.verdict}</td>
          </tr>
        ))}
      </tbody>
      <tfoot aria-hidden="true">
        <tr>
          <td />
          <td className={styles["drawn"]}>
            <AxisMarks axis={axis} format={format} />
          </td>
          <td colSpan={3} />
        </tr>
      </tfoot>
    </table>
  );
}

function Drawing({ row, axis }: { readonly row: WhiskerRow; readonly axis: Axis }) {
  return (
    <svg className={styles["drawing"]} aria-hidden="true">
      <AxisLines axis={axis} />
      {row.others !== null && <Whisker interval={row.others} axis={axis} y={26} stands="others" />}
      <Whisker interval={row.own} axis={axis} y={12} stands={row.stands} />
    </svg>
  );
}

interface WhiskerProps {
  readonly interval: Interval;
  readonly axis: Axis;
  readonly y: number;
  readonly stands: WhiskerRow["stands"] | "others";
}

function Whisker({ interval, axis, y, stands }: WhiskerProps) {
  const [low, at, high] = [interval.low, interval.value, interval.high].map((value) => placeOn(axis, value));
  return (
    <g className={styles["whisker"]} data-stands={stands}>
      <line x1={low} x2={high} y1={y} y2={y} />
      <line x1={low} x2={low} y1={y - 4} y2={y + 4} />
      <line x1={high} x2={high} y1={y - 4} y2={y + 4} />
      <circle cx={at} cy={y} r={stands === "others" ? 3 : 5} />
    </g>
  );
}
