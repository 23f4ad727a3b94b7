import styles from "./Spinner.module.css";

/** Something is going on; says nothing to a screen reader, what it stands beside does. */
export function Spinner() {
  return <span aria-hidden="true" className={styles["spinner"]} />;
}
