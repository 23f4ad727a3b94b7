import { useEffect, useEffectEvent } from "react";

/** Calls back when the page is no longer seen: nobody who looks elsewhere should be filmed. */
export function usePageHidden(hidden: () => void): void {
  const told = useEffectEvent(hidden);
  useEffect(() => {
    const listen = () => {
      if (document.hidden) told();
    };
    document.addEventListener("visibilitychange", listen);
    return () => document.removeEventListener("visibilitychange", listen);
  }, []);
}
