import { expect, it } from "vitest";

import { byAttribute, summaryOf, type Finding } from "./report";

function finding(attribute: string, rate: Finding["rate"], group: string, verdict: Finding["verdict"]): Finding {
  const known = { people: 30, trials: 90, errors: 6, effective_trials: 40, rate: 0.1, low: 0.05, high: 0.2 };
  const group_rate = verdict === "too_few_people" ? null : known;
  return {
    attribute,
    rate,
    group,
    verdict,
    people: 30,
    group_rate,
    others_rate: group_rate,
    ratio: null,
    chance: null,
  };
}

const FINDINGS = [
  finding("gender", "bpcer", "woman", "alarm"),
  finding("age_band", "fnmr", "18_29", "too_few_people"),
  finding("gender", "fmr", "woman", "not_worse"),
  finding("gender", "bpcer", "man", "too_few_errors"),
];

it("puts findings together by attribute and rate, in a fixed order of rates", () => {
  expect(
    byAttribute(FINDINGS).map(({ attribute, rates }) => [attribute, rates.map(({ rate, known }) => [rate, known])]),
  ).toEqual([
    [
      "gender",
      [
        ["fmr", true],
        ["bpcer", true],
      ],
    ],
    ["age_band", [["fnmr", false]]],
  ]);
});

it("counts what is unknown as unknown, never as well", () => {
  const { alarms, told, unknown } = summaryOf(FINDINGS);
  expect([alarms.length, told, unknown]).toEqual([1, 2, 2]);
});
