import { useInfiniteQuery } from "@tanstack/react-query";

import { answerOf, api, type Schemas } from "@/shared/api/client";

export type AuditRecord = Schemas["AuditRecord"];

/** Which records are asked for, in the words of the service. */
export interface RecordsWanted {
  readonly action?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly user_id?: string;
  readonly since?: string;
  readonly until?: string;
  readonly without_reads?: boolean;
}

export const RECORDS_PER_PAGE = 50;

/**
 * Records of the audit log, the newest first, page by page.
 *
 * Each question is a record itself, so nothing is asked for merely because somebody comes back to the window.
 */
export function useRecords(wanted: RecordsWanted) {
  return useInfiniteQuery({
    queryKey: ["records", wanted],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam, signal }) =>
      answerOf(
        api.GET("/api/v1/audit", {
          params: {
            query: { ...wanted, limit: RECORDS_PER_PAGE, ...(pageParam !== undefined && { before: pageParam }) },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next_before ?? undefined,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}
