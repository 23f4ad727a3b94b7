import { type ReactNode } from "react";

import { AxisLines, AxisMarks } from "./Axis";
import { axisOver, placeOn } from "./scale";

import styles from "./Bars.module.css";

export interface BarRow {
  readonly key: string;
  readonly name: ReactNode;
  /** How long the bar is. */
  readonly value: number;
  /** A thinner bar behind it, such as a value that is seldom exceeded. */
  readonly beyond?: number;
  readonly tone?: "accent" | "good" | "warn" | "bad" | "neutral";
  /** The figures, one for each heading. */
  readonly figures: readonly ReactNode[];
}

interface Props {
  readonly label: string;
  readonly nameHeading: string;
  readonly chartHeading: string;
  readonly figureHeadings: readonly string[];
  readonly rows: readonly BarRow[];
  /** Marks the axis; without it there is none. */
  readonly format?: (value: number) => string;
}

/** Horizontal bars in a table: each stands beside the figures that it shows. */
export function Bars({ label, nameHeading, chartHeading, figureHeadings, rows, format }: Props) {
  const axis = axisOver(Math.max(...rows.map(({ value, beyond }) => Math.max(value, beyond ?? 0))));
  return (
    <table className={styles["bars"]}>
      <caption className={styles["hidden"]}>{label}</caption>
      <thead>
        <tr>
          <th scope="col">{nameHeading}</th>
          <th scope="col" className={styles["drawn"]}>
            {chartHeading}
          </th>
          {figureHeadings.map((heading) => (
            <th key={heading} scope="col" className={styles["figure"]}>
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row">{row.name}</th>
            <td className={styles["drawn"]}>
              <svg className={styles["bar"]} aria-hidden="true" data-tone={row.tone ?? "accent"}>
                {format !== undefined && <AxisLines axis={axis} />}
                {row.beyond !== undefined && (
                  <rect className={styles["beyond"]} y="8" height="8" rx="2" width={placeOn(axis, row.beyond)} />
                )}
                <rect className={styles["value"]} y="5" height="14" rx="2" width={placeOn(axis, row.value)} />
              </svg>
            </td>
            {row.figures.map((figure, place) => (
              <td key={figureHeadings[place]} className={styles["figure"]} data-label={figureHeadings[place]}>
                {figure}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
      {format !== undefined && (
        <tfoot aria-hidden="true">
          <tr>
            <td />
            <td className={styles["drawn"]}>
              <AxisMarks axis={axis} format={format} />
            </td>
            <td colSpan={figureHeadings.length} />
          </tr>
        </tfoot>
      )}
    </table>
  );
}
