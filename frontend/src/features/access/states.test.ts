import { expect, it } from "vitest";

import { inOrder, isName, keyStateOf, operatorStateOf } from "./states";

const NOW = Date.parse("2026-01-31T12:00:00Z");

it.each([
  [null, null, "active"],
  [null, "2027-01-31T12:00:00Z", "active"],
  [null, "2026-02-10T12:00:00Z", "ends_soon"],
  [null, "2026-01-31T12:00:00Z", "ended"],
  ["2026-01-01T00:00:00Z", "2027-01-31T12:00:00Z", "revoked"],
])("a key revoked at %s that ends at %s is %s", (revoked_at, expires_at, state) => {
  expect(keyStateOf({ revoked_at, expires_at }, NOW)).toBe(state);
});

it.each([
  [null, false, "active"],
  [null, true, "invited"],
  ["2026-01-01T00:00:00Z", true, "disabled"],
])("an operator disabled at %s who must choose a password (%s) is %s", (disabled_at, must_choose_password, state) => {
  const operator = { uid: "1", name: "ada", role: "admin", created_at: "2026-01-01T00:00:00Z" } as const;
  expect(operatorStateOf({ ...operator, disabled_at, must_choose_password })).toBe(state);
});

it("puts what is over last", () => {
  const items = [
    { name: "c", over: false },
    { name: "a", over: true },
    { name: "b", over: false },
  ];
  expect(inOrder(items, ({ over }) => over).map(({ name }) => name)).toEqual(["b", "c", "a"]);
});

it.each([
  ["ada", true],
  ["night-shift.2", true],
  ["Ada", false],
  ["ab", false],
  ["-ada", false],
])("%s is a name: %s", (name, fits) => expect(isName(name)).toBe(fits));
