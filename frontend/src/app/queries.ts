import { QueryClient } from "@tanstack/react-query";

import { asProblem } from "@/shared/api/problem";

const TRIES = 3;

/** How answers of the service are kept: shown at once, refreshed when one comes back to the page. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 5 * 60_000,
      retry: (count, error) => count < TRIES && asProblem(error).passes,
      retryDelay: (count, error) => 1000 * (asProblem(error).retryAfterS ?? 2 ** count),
    },
  },
});
