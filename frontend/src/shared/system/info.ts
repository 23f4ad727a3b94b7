import { queryOptions } from "@tanstack/react-query";

import { answerOf, api } from "@/shared/api/client";

/** What runs here: version, networks, thresholds, and what is switched on. It changes with a restart only. */
export const systemInfoQuery = queryOptions({
  queryKey: ["system", "info"],
  queryFn: ({ signal }) => answerOf(api.GET("/api/v1/system/info", { signal })),
  staleTime: 60_000,
});
