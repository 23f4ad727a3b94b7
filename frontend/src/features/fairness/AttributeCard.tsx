import { type Schemas } from "@/shared/api/client";
import { Whiskers, type Interval, type WhiskerRow } from "@/shared/chart/Whiskers";
import { formatPercent } from "@/shared/format/format";
import { groupWord } from "@/shared/groups/groups";
import { text } from "@/shared/text/text";
import { Badge, type BadgeTone } from "@/shared/ui/Badge";
import { Card } from "@/shared/ui/Page";

import { type AttributeFindings, type Finding, type RateFindings } from "./report";

import styles from "./Fairness.module.css";

const words = text.fairness;
const TONES: Readonly<Record<Finding["verdict"], BadgeTone>> = {
  alarm: "bad",
  not_worse: "good",
  too_few_people: "neutral",
  too_few_errors: "neutral",
};

/** One thing that people declared, and the error rates of its groups. */
export function AttributeCard({ of }: { readonly of: AttributeFindings }) {
  const name = groupWord(of.attribute);
  return (
    <Card title={name}>
      <div className={styles["rates"]}>
        {of.rates.map((rate) => (
          <OfRate key={rate.rate} of={rate} attribute={name} />
        ))}
      </div>
    </Card>
  );
}

function OfRate({ of, attribute }: { readonly of: RateFindings; readonly attribute: string }) {
  const rate = words.rates[of.rate];
  const shown = of.findings.filter(({ group_rate }) => group_rate !== null);
  const hidden = of.findings.filter(({ group_rate }) => group_rate === null);
  return (
    <section className={styles["rate"]}>
      <div>
        <h3>{rate.name}</h3>
        <p className={styles["soft"]}>{rate.says}</p>
      </div>
      {of.known && (
        <Whiskers
          label={`${attribute}: ${rate.name}`}
          words={words.table}
          rows={shown.map(rowOf)}
          format={formatPercent}
        />
      )}
      {hidden.length > 0 && (
        <p>
          <Badge>{words.notEnough}</Badge>{" "}
          <span className={styles["soft"]}>
            {hidden.map(({ group, people }) => words.groupPeople(groupWord(group), people)).join(" · ")}
          </span>
        </p>
      )}
    </section>
  );
}

function rowOf(finding: Finding): WhiskerRow {
  const { group, people, group_rate, others_rate, verdict, ratio } = finding;
  return {
    name: groupWord(group),
    note: words.people(people),
    own: intervalOf(group_rate) ?? { low: 0, value: 0, high: 0 },
    others: intervalOf(others_rate),
    stands: verdict === "alarm" ? "out" : verdict === "not_worse" ? "fine" : "unknown",
    verdict: (
      <div className={styles["verdict"]}>
        <Badge tone={TONES[verdict]}>{words.verdicts[verdict]}</Badge>
        {ratio !== null && <span className={styles["soft"]}>{words.ratio(ratio.toFixed(2))}</span>}
      </div>
    ),
  };
}

function intervalOf(rate: Schemas["RateView"] | null): Interval | null {
  return rate === null ? null : { low: rate.low, value: rate.rate, high: rate.high };
}
