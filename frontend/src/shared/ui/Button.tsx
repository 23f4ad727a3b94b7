import {
  Button as AriaButton,
  Link as AriaLink,
  composeRenderProps,
  type ButtonProps as AriaButtonProps,
  type LinkProps,
} from "react-aria-components";

import { Spinner } from "./Spinner";

import styles from "./Button.module.css";

export type Tone = "primary" | "plain" | "quiet" | "danger";

interface Look {
  readonly tone?: Tone;
  readonly size?: "small" | "normal" | "large";
}

type ButtonProps = AriaButtonProps & Look;

/** Something to press. While `isPending` it keeps its place and can't be pressed again. */
export function Button({ tone = "plain", size = "normal", className, children, ...rest }: ButtonProps) {
  return (
    <AriaButton
      {...rest}
      data-tone={tone}
      data-size={size}
      className={composeRenderProps(className, (given) => joined(styles["button"], given))}
    >
      {composeRenderProps(children, (content, { isPending }) => (
        <>
          {isPending && <Spinner />}
          {content}
        </>
      ))}
    </AriaButton>
  );
}

/** A link that looks like a button: it goes somewhere. */
export function ButtonLink({ tone = "plain", size = "normal", className, ...rest }: LinkProps & Look) {
  return (
    <AriaLink
      {...rest}
      data-tone={tone}
      data-size={size}
      className={composeRenderProps(className, (given) => joined(styles["button"], given))}
    />
  );
}

function joined(...names: readonly (string | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}
