import { expect, it } from "vitest";

import { text } from "@/shared/text/text";

import { faultOfUserId } from "./user-id";

it.each(["john_doe", "a", "9", "j.doe+test@example.org", "x".repeat(128)])("takes %s", (given) => {
  expect(faultOfUserId(given)).toBeNull();
});

it.each([
  ["", text.userId.missing],
  ["x".repeat(129), text.userId.tooLong],
  ["_john", text.userId.begins],
  ["john doe", text.userId.holds(text.userId.space)],
  ["jürgen", text.userId.holds("ü")],
  ["john/doe", text.userId.holds("/")],
])("refuses %s", (given, fault) => {
  expect(faultOfUserId(given)).toBe(fault);
});
