import { expect, it } from "vitest";

import { countsOf, toDo, type Check } from "./findings";

function check(name: string, verdict: Check["verdict"]): Check {
  return { name, verdict, found: "", advice: null };
}

const CHECKS = [check("a", "ok"), check("b", "unknown"), check("c", "fail"), check("d", "warn"), check("e", "fail")];

it("counts each verdict", () => {
  expect(countsOf(CHECKS)).toEqual({ fail: 2, warn: 1, unknown: 1, ok: 1 });
});

it("puts first what needs doing first, and what is in order last or nowhere", () => {
  const names = (withFit: boolean) => toDo(CHECKS, withFit).map(({ name }) => name);
  expect(names(false)).toEqual(["c", "e", "d", "b"]);
  expect(names(true)).toEqual(["c", "e", "d", "b", "a"]);
});
