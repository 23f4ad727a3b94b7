import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, UserX } from "lucide-react";
import { useState } from "react";

import { type Schemas } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { formatDateTime } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { ButtonLink } from "@/shared/ui/Button";
import { Card, Facts, Page } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";

import { AdaptationCard } from "./AdaptationCard";
import { ConsentsCard } from "./ConsentsCard";
import { EraseCard } from "./EraseCard";
import { ExportCard } from "./ExportCard";
import { GroupsCard } from "./GroupsCard";
import { HistoryCard } from "./HistoryCard";
import { LimitCard } from "./LimitCard";
import { adaptationQuery, limitQuery, personQuery } from "./queries";
import { Receipt } from "./Receipt";
import { lastSeen, networksOf, type Person } from "./standing";
import { StandingBadge } from "./StandingBadge";

import styles from "./People.module.css";

const words = text.people;

/** One person: what is kept of them, what happened, and what an operator can do about it. */
export function PersonPage({ userId }: { readonly userId: string }) {
  const [receipt, setReceipt] = useState<Schemas["Erased"] | null>(null);
  if (receipt !== null) return <Receipt receipt={receipt} />;
  return <Enrolled userId={userId} onErased={setReceipt} />;
}

interface EnrolledProps {
  readonly userId: string;
  readonly onErased: (receipt: Schemas["Erased"]) => void;
}

function Enrolled({ userId, onErased }: EnrolledProps) {
  const query = useQuery(personQuery(userId));
  const back = (
    <ButtonLink href="/people" tone="quiet">
      <ArrowLeft aria-hidden="true" /> {words.all}
    </ButtonLink>
  );
  if (query.error !== null && asProblem(query.error).code === "user_unknown") {
    return (
      <Page title={userId}>
        <Empty icon={UserX} title={words.missing(userId)} action={back}>
          {words.missingHow}
        </Empty>
      </Page>
    );
  }
  return (
    <Page title={userId} actions={back}>
      <Loaded query={query}>
        {(person) => (
          <>
            <FactsCard person={person} />
            <div className={styles["cards"]}>
              <div className={styles["column"]}>
                <LimitCard userId={userId} />
                <AdaptationCard userId={userId} />
              </div>
              <div className={styles["column"]}>
                <ConsentsCard userId={userId} />
                <GroupsCard userId={userId} />
              </div>
            </div>
            <HistoryCard userId={userId} />
            <div className={styles["cards"]}>
              <ExportCard userId={userId} />
              <EraseCard userId={userId} onErased={onErased} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function FactsCard({ person }: { readonly person: Person }) {
  const limit = useQuery(limitQuery(person.user_id)).data;
  return (
    <Card>
      <Facts
        facts={[
          [words.state, limit === undefined ? "–" : <StandingBadge key="standing" person={limit} />],
          [words.enrolled, formatDateTime(person.enrolled_at)],
          [words.lastSeen, lastSeen(person)],
          [words.photos, person.samples],
          [
            words.networks,
            <span key="networks" title={person.models.join(", ")}>
              {networksOf(person)}
            </span>,
          ],
          [words.threshold, <Threshold key="threshold" userId={person.user_id} />],
        ]}
      />
    </Card>
  );
}

function Threshold({ userId }: { readonly userId: string }) {
  const adaptation = useQuery(adaptationQuery(userId)).data;
  if (adaptation === undefined) return "–";
  const common = adaptation.common_threshold;
  const own = adaptation.personal_thresholds.filter(({ threshold }) => threshold > common);
  if (own.length === 0) return words.thresholdCommon(common.toFixed(2));
  return own.map(({ attempts, threshold }) => <div key={attempts}>{words.thresholdOwn(threshold.toFixed(2))}</div>);
}
