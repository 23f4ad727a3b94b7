import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { formatBytes, formatCount, formatScore } from "@/shared/format/format";
import { systemInfoQuery } from "@/shared/system/info";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Notice } from "@/shared/ui/Notice";
import { Card, Facts } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { Ago } from "@/shared/ui/When";

import { NetworksCard } from "./NetworksCard";

import styles from "./System.module.css";

const words = text.system;
const HEALTH_EVERY_MS = 10_000;

/** Whether it answers, what it is, and the networks that it has. */
export function Overview() {
  const info = useQuery(systemInfoQuery);
  return (
    <>
      <HealthCard />
      <Loaded query={info}>
        {(told) => (
          <>
            <AboutCard info={told} />
            <NetworksCard networks={told.models} />
          </>
        )}
      </Loaded>
    </>
  );
}

function HealthCard() {
  const { error, isPending, dataUpdatedAt, errorUpdatedAt } = useQuery({
    queryKey: ["system", "health"],
    queryFn: ({ signal }) => answerOf(api.GET("/health", { signal })),
    refetchInterval: HEALTH_EVERY_MS,
    retry: false,
  });
  const at = new Date(Math.max(dataUpdatedAt, errorUpdatedAt)).toISOString();
  return (
    <Card title={words.health}>
      {isPending ? (
        <p className={styles["soft"]}>{text.common.loading}</p>
      ) : error === null ? (
        <p className={styles["line"]} role="status">
          <Badge tone="good">
            <CircleCheck aria-hidden="true" /> {words.ready}
          </Badge>
          <span>{words.readySays}</span>
          <span className={styles["soft"]}>
            {words.asked} <Ago at={at} />
          </span>
        </p>
      ) : (
        <div className={styles["stack"]}>
          <p className={styles["line"]}>
            <Badge tone="bad">
              <CircleX aria-hidden="true" /> {words.notReady}
            </Badge>
            <span className={styles["soft"]}>
              {words.asked} <Ago at={at} />
            </span>
          </p>
          <Notice tone="bad">{asProblem(error).detail}</Notice>
        </div>
      )}
    </Card>
  );
}

function AboutCard({ info }: { readonly info: Schemas["SystemInfo"] }) {
  const { stream } = info;
  const facts = words.facts;
  return (
    <Card title={words.about}>
      <Facts
        facts={[
          [facts.version, info.version],
          [facts.profile, words.profiles[info.profile] ?? info.profile],
          [facts.device, info.device],
          [facts.started, <Ago key="started" at={info.started_at} />],
          [facts.people, formatCount(info.total_users)],
          [facts.match, words.matchThreshold(formatScore(info.match_threshold), oneIn(info.match_fmr))],
          [facts.liveness, formatScore(info.liveness_threshold)],
          [facts.challenges, words.challenges(stream.challenge_actions)],
          [facts.images, info.images_stored ? words.imagesStored : words.imagesNotStored],
          [facts.adaptation, info.adaptation ? words.on : words.off],
          [facts.consent, info.consent_required ? words.required : words.optional],
          [facts.largest, formatBytes(info.max_image_bytes)],
        ]}
      />
    </Card>
  );
}

function oneIn(rate: number): string {
  return formatCount(Math.round(1 / rate));
}
