import { describe, expect, it } from "vitest";

import { countOf, filtersOf, fits, wantedOf, withFilter } from "./filters";

const RECORD = {
  sequence: 7,
  at: "2026-01-31T12:00:00.000Z",
  action: "authenticate",
  actor: "open",
  subject: "9ed3",
  outcome: "reject",
  reason: "no_match",
  details: {},
  digest: "00",
};

describe("filters of an address", () => {
  it("keeps what can be one", () => {
    const search = { action: "erase", user_id: "a.b+c@d", from: "2026-01-31T10:00", reads: true };
    expect(filtersOf(search)).toEqual(search);
  });

  it.each([
    [{ action: "DROP TABLE" }],
    [{ user_id: "<script>" }],
    [{ from: "yesterday" }],
    [{ reads: "yes" }],
    [{ x: 1 }],
  ])("leaves %j out", (search) => expect(filtersOf(search)).toEqual({}));

  it("takes an id of digits, which arrives as a number", () => {
    expect(filtersOf({ user_id: 1234 })).toEqual({ user_id: "1234" });
  });
});

it("puts filters in and out one at a time", () => {
  const one = withFilter({ action: "erase" }, "outcome", "done");
  expect(one).toEqual({ action: "erase", outcome: "done" });
  expect(withFilter(one, "action", "")).toEqual({ outcome: "done" });
});

it("asks the service in its own time and words", () => {
  expect(wantedOf({ action: "erase", from: "2026-01-31T10:00:00Z" })).toEqual({
    action: "erase",
    since: "2026-01-31T10:00:00.000Z",
    without_reads: true,
  });
  expect(wantedOf({ reads: true })).toEqual({});
});

it("doesn't count as a filter that reads are shown", () => {
  expect(countOf({ reads: true, action: "erase" })).toBe(1);
});

describe("a record that just came", () => {
  it.each([
    [{}, null, true],
    [{ action: "authenticate", reason: "no_match" }, null, true],
    [{ action: "erase" }, null, false],
    [{ user_id: "anna" }, "9ed3", true],
    [{ user_id: "anna" }, "0000", false],
    [{ user_id: "anna" }, null, false],
  ])("with %j and the pseudonym %s: %s", (filters, subject, shown) => {
    expect(fits(RECORD, filters, subject)).toBe(shown);
  });

  it("is left out when somebody only looked at the log", () => {
    const read = { ...RECORD, action: "read_audit" };
    expect([fits(read, {}, null), fits(read, { reads: true }, null)]).toEqual([false, true]);
  });
});
