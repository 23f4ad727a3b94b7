import { useId } from "react";

import { Table } from "@/shared/ui/Table";

import { axisOver } from "./scale";

import styles from "./Columns.module.css";

/** How many values lie between two bounds. */
export interface ColumnOf {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

interface Props {
  readonly title: string;
  /** What the drawing shows, in a sentence. */
  readonly summary: string;
  /** From 0 to 1, side by side. */
  readonly columns: readonly ColumnOf[];
  readonly threshold?: { readonly value: number; readonly says: string };
  readonly words: { readonly asTable: string; readonly range: string; readonly count: string };
}

/** How values between 0 and 1 are spread: columns, the threshold, a sentence, and a table for who wants figures. */
export function Columns({ title, summary, columns, threshold, words }: Props) {
  const axis = axisOver(Math.max(...columns.map(({ count }) => count)), 3);
  const heading = useId();
  return (
    <figure className={styles["figure"]} aria-labelledby={heading}>
      <figcaption>
        <h3 id={heading}>{title}</h3>
        <p>{summary}</p>
      </figcaption>
      <div className={styles["plot"]}>
        <svg className={styles["drawing"]} aria-hidden="true">
          {columns.map(({ from, to, count }) => (
            <rect
              key={from}
              className={styles["column"]}
              data-below={threshold !== undefined && from < threshold.value - 1e-9}
              x={percent(from + 0.004)}
              width={percent(to - from - 0.008)}
              y={percent(1 - count / axis.end)}
              height={percent(count / axis.end)}
            />
          ))}
          <line className={styles["ground"]} x1="0" x2="100%" y1="100%" y2="100%" />
          {threshold !== undefined && (
            <line
              className={styles["threshold"]}
              x1={percent(threshold.value)}
              x2={percent(threshold.value)}
              y1="0"
              y2="100%"
            />
          )}
        </svg>
        {threshold !== undefined && (
          <span
            className={styles["label"]}
            data-side={threshold.value > 0.5 ? "before" : "after"}
            style={{ left: percent(threshold.value) }}
          >
            {threshold.says}
          </span>
        )}
      </div>
      <div className={styles["marks"]} aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((mark) => (
          <span key={mark}>{mark}</span>
        ))}
      </div>
      <details>
        <summary>{words.asTable}</summary>
        <Table
          label={title}
          stacks={false}
          rows={columns.filter(({ count }) => count > 0)}
          keyOf={({ from }) => from}
          columns={[
            { name: words.range, cell: ({ from, to }) => `${from.toFixed(2)} – ${to.toFixed(2)}` },
            { name: words.count, cell: ({ count }) => count, numeric: true },
          ]}
        />
      </details>
    </figure>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
