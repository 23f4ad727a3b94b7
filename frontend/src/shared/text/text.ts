import { en } from "./en/en";

/** Every word of the web app, by feature. A translation is another object of this shape. */
export type Texts = typeof en;

export const text: Texts = en;
