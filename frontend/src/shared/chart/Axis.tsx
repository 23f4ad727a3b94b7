import { placeOn, type Axis } from "./scale";

import styles from "./Axis.module.css";

interface Props {
  readonly axis: Axis;
  readonly format: (value: number) => string;
}

/** The marks of an axis. The figures stand beside the drawing as text, so nothing is read out here. */
export function AxisMarks({ axis, format }: Props) {
  return (
    <div className={styles["marks"]} aria-hidden="true">
      {axis.ticks.map((tick) => (
        <span key={tick} style={{ left: placeOn(axis, tick) }}>
          {format(tick)}
        </span>
      ))}
    </div>
  );
}

/** Lines at the marks, behind what is drawn. */
export function AxisLines({ axis }: { readonly axis: Axis }) {
  return axis.ticks.map((tick) => (
    <line key={tick} className={styles["line"]} x1={placeOn(axis, tick)} x2={placeOn(axis, tick)} y1="0" y2="100%" />
  ));
}
