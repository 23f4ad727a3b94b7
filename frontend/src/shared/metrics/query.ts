import { queryOptions } from "@tanstack/react-query";

import { signedFetch } from "@/shared/api/client";
import { problemOf } from "@/shared/api/problem";

import { parseMetrics } from "./prometheus";

const EVERY_MS = 5000;

/** What the process that answers knows of itself, asked again while somebody looks. */
export const metricsQuery = queryOptions({
  queryKey: ["metrics"],
  queryFn: async ({ signal }) => {
    const answer = await signedFetch("/metrics", { signal });
    if (!answer.ok) throw problemOf(answer, await answer.json().catch(() => null));
    return parseMetrics(await answer.text());
  },
  refetchInterval: EVERY_MS,
  staleTime: EVERY_MS,
});
