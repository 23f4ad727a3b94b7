import { expect, it, vi } from "vitest";

import { fetched } from "./fetched";

const GONE = new TypeError("Failed to fetch dynamically imported module");
const THERE = { preload: false, location: { href: "/fairness" } };

const gone = () => Promise.reject(GONE);

it("fetches the file and makes its component ready", async () => {
  const file = vi.fn(() => Promise.resolve({}));
  const preload = vi.fn(() => Promise.resolve());
  await fetched(file, { preload })(THERE);
  expect([file.mock.calls.length, preload.mock.calls.length]).toEqual([1, 1]);
});

it("says that the service can't be reached when nothing answers", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError()));
  await expect(fetched(gone)(THERE)).rejects.toMatchObject({ code: "unreachable" });
});

it("passes a fault of the app itself on: a new document would have it, too", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response()));
  vi.spyOn(performance, "now").mockReturnValue(1000);
  const began = { href: globalThis.location.pathname };
  await expect(fetched(gone)({ preload: false, location: began })).rejects.toBe(GONE);
});

it("sends nobody anywhere who only came near a link", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response()));
  vi.spyOn(performance, "now").mockReturnValue(60_000);
  await expect(fetched(gone)({ ...THERE, preload: true })).rejects.toBe(GONE);
});
