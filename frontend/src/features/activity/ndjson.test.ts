import { expect, it } from "vitest";

import { linesOf } from "./ndjson";

function bodyOf(...chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(body)) lines.push(line);
  return lines;
}

it("gives lines whole, however they were cut on the way", async () => {
  const lines = await all(bodyOf('{"a":', '1}\n\n{"b"', ':2}\n{"c":3'));
  expect(lines).toEqual(['{"a":1}', "", '{"b":2}']);
});

it("puts a character together that was cut in the middle", async () => {
  const whole = new TextEncoder().encode("é\n");
  expect(await all(bodyOf(whole.slice(0, 1), whole.slice(1)))).toEqual(["é"]);
});

it("closes the body when one stops reading", async () => {
  let closed = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("line\n")),
    cancel: () => {
      closed = true;
    },
  });
  for await (const line of linesOf(body)) {
    expect(line).toBe("line");
    break;
  }
  expect(closed).toBe(true);
});
