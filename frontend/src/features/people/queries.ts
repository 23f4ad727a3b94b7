import {
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";

import { answerOf, api, type Schemas } from "@/shared/api/client";

const PAGE = 50;
const LIST = ["people", "list"] as const;

/** People whose id has this in it, page by page. A page may hold few although there are more: ids are stored sealed. */
export function usePeople(sought: string) {
  return useInfiniteQuery({
    queryKey: [...LIST, sought],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      answerOf(
        api.GET("/api/v1/users", {
          params: {
            query: {
              limit: PAGE,
              ...(pageParam !== null && { after: pageParam }),
              ...(sought !== "" && { q: sought }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next_after,
    placeholderData: keepPreviousData,
  });
}

const of = (userId: string) => ({ params: { path: { user_id: userId } } });
const key = (userId: string, part: string) => ["people", "one", userId, part] as const;

export function personQuery(userId: string) {
  return queryOptions({
    queryKey: key(userId, "facts"),
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/users/{user_id}", { ...of(userId), signal })),
  });
}

export function limitQuery(userId: string) {
  return queryOptions({
    queryKey: key(userId, "limit"),
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/attempts", { params: { query: { user_id: userId } }, signal })),
  });
}

export function adaptationQuery(userId: string) {
  return queryOptions({
    queryKey: key(userId, "adaptation"),
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/users/{user_id}/adaptation", { ...of(userId), signal })),
  });
}

export function consentsQuery(userId: string) {
  return queryOptions({
    queryKey: key(userId, "consents"),
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/users/{user_id}/consents", { ...of(userId), signal })),
  });
}

export function groupsQuery(userId: string) {
  return queryOptions({
    queryKey: key(userId, "groups"),
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/users/{user_id}/labels", { ...of(userId), signal })),
  });
}

/** Something about a person changed: ask for all of it anew, here and in the list. */
export function personChanged(queries: QueryClient, userId: string): Promise<void> {
  void queries.invalidateQueries({ queryKey: LIST });
  void queries.invalidateQueries({ queryKey: ["records"] });
  return queries.invalidateQueries({ queryKey: ["people", "one", userId] });
}

/** A person was erased: nothing of them is shown for another moment, not even out of the memory of this page. */
export function personGone(queries: QueryClient, userId: string): void {
  queries.removeQueries({ queryKey: ["people", "one", userId] });
  queries.setQueriesData<InfiniteData<Schemas["UserPage"]>>({ queryKey: LIST }, (known) =>
    known === undefined
      ? known
      : {
          ...known,
          pages: known.pages.map((page) => ({
            ...page,
            total: Math.max(0, page.total - 1),
            users: page.users.filter((user) => user.user_id !== userId),
          })),
        },
  );
  void queries.invalidateQueries({ queryKey: LIST });
}
