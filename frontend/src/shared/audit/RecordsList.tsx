import { type UseInfiniteQueryResult } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { type InfiniteData } from "@tanstack/react-query";

import { type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { Loaded } from "@/shared/ui/States";

import { type AuditRecord } from "./records";
import { RecordDialog } from "./RecordDialog";
import { RecordsTable } from "./RecordsTable";

import styles from "./Records.module.css";

const words = text.activity;

interface Props {
  readonly query: UseInfiniteQueryResult<InfiniteData<Schemas["AuditPage"]>>;
  /** Records that are newer than what the query gave, the newest first. */
  readonly newer?: readonly AuditRecord[];
  /** Of one person, their pseudonym says nothing. */
  readonly about: "one person" | "everybody";
  /** What stands there when there is none. */
  readonly empty: ReactNode;
}

/** Records in pages, each with all of its details a press away. */
export function RecordsList({ query, newer = [], about, empty }: Props) {
  const [shown, setShown] = useState<AuditRecord | null>(null);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const records = merged(newer, pages);
        return (
          <div className={styles["list"]} aria-busy={query.isFetching}>
            {records.length === 0 ? (
              empty
            ) : (
              <RecordsTable records={records} withPerson={about === "everybody"} onShow={setShown} />
            )}
            {query.error !== null && (
              <Notice tone="bad" action={<Button onPress={() => void fetchNextPage()}>{text.common.retry}</Button>}>
                {asProblem(query.error).detail}
              </Notice>
            )}
            {hasNextPage && (
              <Button isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
                {isFetchingNextPage ? words.loadingMore : text.common.showMore}
              </Button>
            )}
            <RecordDialog record={shown} onClose={() => setShown(null)} />
          </div>
        );
      }}
    </Loaded>
  );
}

function merged(newer: readonly AuditRecord[], pages: readonly Schemas["AuditPage"][]): readonly AuditRecord[] {
  const asked = pages.flatMap((page) => page.records);
  const latest = asked[0]?.sequence ?? 0;
  return [...newer.filter((record) => record.sequence > latest), ...asked];
}
