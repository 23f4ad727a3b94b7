import { type Schemas } from "@/shared/api/client";

export type Report = Schemas["BiasView"];
export type Finding = Schemas["FindingView"];
export type Rate = Schemas["Rate"];

/** In the order in which they are read: whom it lets in, whom it keeps out. */
const RATES: readonly Rate[] = ["fmr", "fmr_at_1_percent", "fnmr", "bpcer", "apcer"];

export interface RateFindings {
  readonly rate: Rate;
  readonly findings: readonly Finding[];
  /** Whether any group has a figure. */
  readonly known: boolean;
}

export interface AttributeFindings {
  readonly attribute: string;
  readonly rates: readonly RateFindings[];
}

/** The findings by what people declared, then by error rate. */
export function byAttribute(findings: readonly Finding[]): readonly AttributeFindings[] {
  const attributes = [...new Set(findings.map(({ attribute }) => attribute))];
  return attributes.map((attribute) => ({
    attribute,
    rates: RATES.map((rate) => {
      const of = findings.filter((finding) => finding.attribute === attribute && finding.rate === rate);
      return { rate, findings: of, known: of.some(({ group_rate }) => group_rate !== null) };
    }).filter((one) => one.findings.length > 0),
  }));
}

export interface Summary {
  readonly alarms: readonly Finding[];
  readonly told: number;
  readonly unknown: number;
}

/** What the report comes to: who is worse off, and of how much nothing is known. */
export function summaryOf(findings: readonly Finding[]): Summary {
  const alarms = findings.filter(({ verdict }) => verdict === "alarm");
  const told = findings.filter(({ verdict }) => verdict === "not_worse").length + alarms.length;
  return { alarms, told, unknown: findings.length - told };
}
