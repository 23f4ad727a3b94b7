import { useQuery } from "@tanstack/react-query";
import { Gauge } from "lucide-react";

import { asProblem } from "@/shared/api/problem";
import { actionWord, outcomeWord, reasonWord, toneOf } from "@/shared/audit/words";
import { Bars } from "@/shared/chart/Bars";
import { formatBytes, formatCount } from "@/shared/format/format";
import { totalOf, type Sample } from "@/shared/metrics/prometheus";
import { metricsQuery } from "@/shared/metrics/query";
import { text } from "@/shared/text/text";
import { Notice } from "@/shared/ui/Notice";
import { Card, Facts } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { Ago } from "@/shared/ui/When";

import { decisionsOf, formatSeconds, routeLatencies, stageLatencies, type Latency } from "./figures";
import { ScoresCard } from "./ScoresCard";

import styles from "./System.module.css";

const words = text.system.performance;
const MOST_ROUTES = 8;

/** How fast this process decides, and what. */
export function Performance() {
  const query = useQuery(metricsQuery);
  return (
    <Loaded query={query}>
      {(samples) => (
        <>
          {query.error !== null && <Notice tone="warn">{words.stale(asProblem(query.error).detail)}</Notice>}
          <NowCard samples={samples} at={query.dataUpdatedAt} />
          <StagesCard samples={samples} />
          <DecisionsCard samples={samples} />
          <ScoresCard samples={samples} />
          <RoutesCard samples={samples} />
        </>
      )}
    </Loaded>
  );
}

interface Part {
  readonly samples: readonly Sample[];
}

function NowCard({ samples, at }: Part & { readonly at: number }) {
  const since = totalOf(samples, "process_start_time_seconds");
  const told = (name: string) => {
    const value = totalOf(samples, name);
    return value === null ? "–" : formatCount(value);
  };
  const memory = totalOf(samples, "process_resident_memory_bytes");
  return (
    <Card
      title={words.now}
      hint={
        <>
          {words.oneProcess}
          {since !== null && (
            <>
              {" "}
              {words.since} <Ago at={new Date(since * 1000).toISOString()} />.
            </>
          )}{" "}
          {words.refreshed(new Date(at).toLocaleTimeString("en-GB"))}
        </>
      }
    >
      <Facts
        facts={[
          [words.streams, told("facekey_streams_open")],
          [words.waiting, told("facekey_pool_waiting")],
          [words.overloaded, told("facekey_overloaded_total")],
          [words.enrolled, told("facekey_enrolled")],
          [words.memory, memory === null ? "–" : formatBytes(memory)],
        ]}
      />
    </Card>
  );
}

function StagesCard({ samples }: Part) {
  const stages = stageLatencies(samples);
  return (
    <Card title={words.stages} hint={words.stagesHint}>
      {stages.length === 0 ? (
        <Empty icon={Gauge} title={words.noDecisions}>
          {words.noDecisionsHow}
        </Empty>
      ) : (
        <Latencies label={words.stages} heading={words.stage} of={stages} nameOf={(of) => words.stageNames[of] ?? of} />
      )}
    </Card>
  );
}

function RoutesCard({ samples }: Part) {
  const routes = routeLatencies(samples, MOST_ROUTES);
  if (routes.length === 0) return null;
  return (
    <Card title={words.routes} hint={words.routesHint}>
      <Latencies
        label={words.routes}
        heading={words.route}
        of={routes}
        nameOf={(of) => words.routeNames[of] ?? <code>{of}</code>}
      />
    </Card>
  );
}

interface LatenciesProps {
  readonly label: string;
  readonly heading: string;
  readonly of: readonly Latency[];
  readonly nameOf: (of: string) => React.ReactNode;
}

function Latencies({ label, heading, of, nameOf }: LatenciesProps) {
  return (
    <Bars
      label={label}
      nameHeading={heading}
      chartHeading={words.time}
      figureHeadings={[words.p50, words.p95, words.count]}
      format={formatSeconds}
      rows={of.map((one) => ({
        key: one.of,
        name: nameOf(one.of),
        value: one.p50S,
        beyond: one.p95S,
        figures: [formatSeconds(one.p50S), formatSeconds(one.p95S), formatCount(one.count)],
      }))}
    />
  );
}

function DecisionsCard({ samples }: Part) {
  const decisions = decisionsOf(samples);
  if (decisions.length === 0) return null;
  return (
    <Card title={words.decisions} hint={words.decisionsHint}>
      <Bars
        label={words.decisions}
        nameHeading={words.decision}
        chartHeading={words.share}
        figureHeadings={[words.count]}
        rows={decisions.map(({ action, outcome, reason, count }) => {
          const tone = toneOf(outcome, reason);
          return {
            key: `${action} ${outcome} ${reason}`,
            name: (
              <>
                {outcomeWord(outcome)}: {reasonWord(reason)}
                <div className={styles["soft"]}>{actionWord(action)}</div>
              </>
            ),
            value: count,
            tone,
            figures: [formatCount(count)],
          };
        })}
      />
    </Card>
  );
}
