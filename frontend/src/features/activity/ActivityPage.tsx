import { Activity, FilterX } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { RecordsList } from "@/shared/audit/RecordsList";
import { useRecords } from "@/shared/audit/records";
import { text } from "@/shared/text/text";
import { Button } from "@/shared/ui/Button";
import { Page } from "@/shared/ui/Page";
import { Empty } from "@/shared/ui/States";

import { ChainCard } from "./ChainCard";
import { ExportButton } from "./ExportButton";
import { FilterCard } from "./FilterCard";
import { countOf, fits, wantedOf, type Filters } from "./filters";
import { LiveSwitch } from "./LiveSwitch";
import { useLive } from "./use-live";

import styles from "./Activity.module.css";

const words = text.activity;
const POLL_MS = 10_000;

interface Props {
  readonly filters: Filters;
  readonly onFilters: (filters: Filters) => void;
}

/** The audit log: what happened, and what happens. */
export function ActivityPage({ filters, onFilters }: Props) {
  const query = useRecords(wantedOf(filters));
  const [watching, setWatching] = useState(true);
  const past = filters.to !== undefined;
  const narrowed = countOf(filters) > 0;

  // The stream begins behind what the first page shows. Where filters hide the end of the log nobody
  // knows where that is: the stream begins with the next record, and the page is asked for once more.
  const [start, setStart] = useState<number | null | undefined>(undefined);
  const records = query.data?.pages.flatMap((page) => page.records) ?? [];
  if (start === undefined && query.data !== undefined) setStart(narrowed ? null : (records[0]?.sequence ?? null));
  const live = useLive(watching && !past && start !== undefined, start ?? null);

  const { refetch } = query;
  const asked = useRef(false);
  useEffect(() => {
    if (live.state !== "live" || start !== null || asked.current) return;
    asked.current = true;
    void refetch();
  }, [live.state, start, refetch]);
  const polls = watching && !past && live.state === "away";
  useEffect(() => {
    if (!polls) return;
    const timer = setInterval(() => void refetch(), POLL_MS);
    return () => clearInterval(timer);
  }, [polls, refetch]);

  const subject = filters.user_id === undefined ? null : (records[0]?.subject ?? null);
  const newer = past ? [] : live.records.filter((record) => fits(record, filters, subject));

  return (
    <Page
      title={words.title}
      intro={words.intro}
      actions={
        <>
          <LiveSwitch
            on={watching}
            state={live.state}
            past={past}
            onChange={(on) => {
              setWatching(on);
              setStart(undefined);
              asked.current = false;
              if (on) void refetch();
            }}
          />
          <ExportButton />
        </>
      }
    >
      <ChainCard />
      <FilterCard filters={filters} onFilters={onFilters} />
      <div className={styles["records"]} aria-busy={query.isFetching}>
        <RecordsList
          query={query}
          newer={newer}
          about="everybody"
          empty={narrowed ? <NoneFit onClear={() => onFilters({})} /> : <Nothing />}
        />
      </div>
    </Page>
  );
}

function NoneFit({ onClear }: { readonly onClear: () => void }) {
  return (
    <Empty icon={FilterX} title={words.noneFit} action={<Button onPress={onClear}>{words.clearFilters}</Button>}>
      {words.noneFitHow}
    </Empty>
  );
}

function Nothing() {
  return (
    <Empty icon={Activity} title={words.empty}>
      {words.emptyHow}
    </Empty>
  );
}
