import { type ReactNode } from "react";

import styles from "./Table.module.css";

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  readonly numeric?: boolean;
}

interface Props<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  /** On a narrow screen each row becomes a small list; left out, the table scrolls sideways. */
  readonly stacks?: boolean;
}

/** A table that says what it is, and that a phone can show. */
export function Table<Row>({ label, columns, rows, keyOf, stacks = true }: Props<Row>) {
  return (
    // What scrolls must be reachable with a keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles["frame"]} role="region" aria-label={label} tabIndex={0}>
      <table className={styles["table"]} data-stacks={stacks}>
        <caption className={styles["caption"]}>{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" data-numeric={column.numeric}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.name} data-label={column.name} data-numeric={column.numeric}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
