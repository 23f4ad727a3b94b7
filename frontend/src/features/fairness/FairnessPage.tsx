import { useQuery } from "@tanstack/react-query";
import { Scale } from "lucide-react";

import { answerOf, api } from "@/shared/api/client";
import { groupWord } from "@/shared/groups/groups";
import { text } from "@/shared/text/text";
import { Notice } from "@/shared/ui/Notice";
import { Card, Page } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { When } from "@/shared/ui/When";

import { AttributeCard } from "./AttributeCard";
import { byAttribute, summaryOf, type Finding, type Report } from "./report";

import styles from "./Fairness.module.css";

const words = text.fairness;

/** Whether any group of people is refused, accepted in error or taken for spoofs more often than others. */
export function FairnessPage() {
  const query = useQuery({
    queryKey: ["bias", "report"],
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/bias/report", { signal })),
    staleTime: 5 * 60_000,
  });
  return (
    <Page title={words.title} intro={words.intro}>
      <Loaded query={query}>
        {(report) => (report.people === 0 || report.findings.length === 0 ? <NoGroups /> : <Told report={report} />)}
      </Loaded>
    </Page>
  );
}

function Told({ report }: { readonly report: Report }) {
  return (
    <>
      <Verdict report={report} />
      {byAttribute(report.findings).map((attribute) => (
        <AttributeCard key={attribute.attribute} of={attribute} />
      ))}
      <Card title={words.ruleTitle}>
        <p>{report.rule}</p>
        <p className={styles["soft"]}>{words.ruleUnknown}</p>
        <p className={styles["soft"]}>
          {words.made(report.people)} <When at={report.at} />. {words.howOften}
        </p>
      </Card>
    </>
  );
}

function Verdict({ report }: { readonly report: Report }) {
  const { alarms, told, unknown } = summaryOf(report.findings);
  if (alarms.length > 0) {
    return (
      <Notice tone="bad" title={words.alarms(alarms.length)}>
        <ul className={styles["alarms"]}>
          {alarms.map((finding) => (
            <li key={`${finding.attribute} ${finding.group} ${finding.rate}`}>{alarmOf(finding)}</li>
          ))}
        </ul>
        {words.alarmHow}
      </Notice>
    );
  }
  if (told === 0) {
    return (
      <Notice tone="warn" title={words.nothingKnown}>
        {words.nothingKnownHow}
      </Notice>
    );
  }
  return (
    <Notice tone={unknown === 0 ? "good" : "info"} title={words.noAlarm}>
      {unknown === 0 ? words.allTold(told) : words.partTold(told, unknown)}
    </Notice>
  );
}

function alarmOf({ attribute, group, rate, ratio }: Finding): string {
  const who = `${groupWord(attribute)}, ${groupWord(group)}`;
  return words.alarm(who, words.rates[rate].what, ratio === null ? null : ratio.toFixed(1));
}

function NoGroups() {
  return (
    <Empty icon={Scale} title={words.empty}>
      <p>{words.emptyHow}</p>
      <ol className={styles["steps"]}>
        {words.emptySteps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <p>{words.emptyNever}</p>
    </Empty>
  );
}
