import { expect, it } from "vitest";

import { standingOf } from "./standing";

const NOW = Date.parse("2026-01-31T12:00:00Z");

it.each([
  [{}, "active"],
  [{ wait_until: null, locked_at: null }, "active"],
  [{ wait_until: "2026-01-31T12:00:30Z", locked_at: null }, "waiting"],
  [{ wait_until: "2026-01-31T11:59:30Z", locked_at: null }, "active"],
  [{ wait_until: "2026-01-31T11:59:30Z", locked_at: "2026-01-30T00:00:00Z" }, "locked"],
])("%j is %s", (limits, standing) => {
  expect(standingOf(limits, NOW)).toBe(standing);
});
