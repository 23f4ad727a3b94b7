import { useInfiniteQuery } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { actionWord, reasonWord } from "@/shared/audit/words";
import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { Copyable } from "@/shared/ui/Copyable";
import { Notice } from "@/shared/ui/Notice";
import { Page } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { Table, type Column } from "@/shared/ui/Table";
import { When } from "@/shared/ui/When";

import { caughtBy } from "./evidence";
import { SpoofDialog } from "./SpoofDialog";

import styles from "./Spoofs.module.css";

const words = text.spoofs;

type Spoof = Schemas["SpoofRecord"];

/** Attempts that were not taken for a live person before a camera. */
export function SpoofsPage() {
  const [shown, setShown] = useState<number | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["spoofs", "list"],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam, signal }) =>
      answerOf(
        api.GET("/api/v1/spoofs", {
          params: { query: pageParam === undefined ? {} : { before: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next_before ?? undefined,
    // Each look at the list is on record.
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <Page title={words.title} intro={words.intro}>
      <Loaded query={query}>
        {({ pages }) => {
          const records = pages.flatMap((page) => page.records);
          if (records.length === 0) return <Quiet />;
          return (
            <div className={styles["list"]} aria-busy={query.isFetching}>
              <Table
                label={words.title}
                columns={columnsWith(setShown)}
                rows={records}
                keyOf={(record) => record.sequence}
              />
              {query.error !== null && <Notice tone="bad">{asProblem(query.error).detail}</Notice>}
              {hasNextPage && (
                <Button isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
                  {text.common.showMore}
                </Button>
              )}
            </div>
          );
        }}
      </Loaded>
      <SpoofDialog sequence={shown} onClose={() => setShown(null)} />
    </Page>
  );
}

function columnsWith(onShow: (sequence: number) => void): readonly Column<Spoof>[] {
  return [
    { name: words.when, cell: (spoof) => <When at={spoof.at} /> },
    { name: words.what, cell: (spoof) => actionWord(spoof.action) },
    { name: words.caughtBy, cell: (spoof) => <Badge tone="bad">{reasonWord(caughtBy(spoof))}</Badge> },
    { name: words.liveness, cell: (spoof) => formatScore(scoreOf(spoof)), numeric: true },
    {
      name: words.claimed,
      cell: ({ subject }) => (subject === null ? "–" : <Copyable value={subject} what={words.pseudonym} />),
    },
    {
      name: words.evidence,
      cell: ({ sequence, evidence }) => (
        <Button size="small" aria-label={words.lookAt(evidence, sequence)} onPress={() => onShow(sequence)}>
          {evidence ? words.look : words.scoresOnly}
        </Button>
      ),
    },
  ];
}

function scoreOf({ details }: Spoof): number | null {
  const liveness = details["liveness"];
  return typeof liveness === "number" ? liveness : null;
}

function Quiet() {
  return (
    <Empty icon={ShieldCheck} title={words.empty}>
      {words.emptyHow}
    </Empty>
  );
}
