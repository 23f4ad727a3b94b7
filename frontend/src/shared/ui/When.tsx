import { useEffect, useState } from "react";

import { formatAgo, formatDateTime } from "@/shared/format/format";

const EVERY_MS = 15_000;

/** The time now, renewed often enough for words such as "a minute ago". */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** A moment, to the second. */
export function When({ at }: { readonly at: string }) {
  return <time dateTime={at}>{formatDateTime(at)}</time>;
}

/** How long ago a moment was; the moment itself is a hover away. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatDateTime(at)}>
      {formatAgo(at, Math.max(now, Date.parse(at)))}
    </time>
  );
}
