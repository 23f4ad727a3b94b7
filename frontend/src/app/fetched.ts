import { unreachable } from "@/shared/api/problem";

interface Preloaded {
  readonly preload?: () => Promise<unknown> | undefined;
}

interface Navigation {
  /** Nobody went there yet; they may. */
  readonly preload: boolean;
  readonly location: { readonly href: string };
}

const FRESH_MS = 15_000;
const BEGAN_AT = `${globalThis.location.pathname}${globalThis.location.search}`;

/**
 * A loader that fetches the file of a page before it is shown, so that a failure is told inside the shell, with a way on.
 *
 * A file that can't be had although the service answers is one of a version that is gone, or one that the browser
 * remembers as missing. A new document helps against both: the browser is sent there itself, unless this document is
 * new and began there, which would go round in circles.
 *
 * @param page the component of that file, where a route shows it inside of another: it is made ready, too.
 */
export function fetched(file: () => Promise<unknown>, page?: Preloaded) {
  return async ({ preload, location }: Navigation): Promise<void> => {
    try {
      await file();
      await page?.preload?.();
    } catch (error) {
      if (!(await serviceAnswers())) throw unreachable();
      if (preload || (location.href === BEGAN_AT && performance.now() < FRESH_MS)) throw error;
      globalThis.location.assign(location.href);
      await new Promise(() => undefined); // what comes next is the new document
    }
  };
}

function serviceAnswers(): Promise<boolean> {
  return fetch("/health/live").then(
    () => true,
    () => false,
  );
}
