import { describe, expect, it } from "vitest";

import { wavOf } from "./wav";

async function read(blob: Blob): Promise<DataView> {
  const bytes = await new Promise<ArrayBuffer>((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as ArrayBuffer);
    reader.readAsArrayBuffer(blob);
  });
  return new DataView(bytes);
}

function letters(file: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((place) => file.getUint8(at + place)));
}

describe("a WAV file", () => {
  it("says what is in it", async () => {
    const file = await read(wavOf([new Float32Array(100), new Float32Array(60)], 48_000));
    expect([letters(file, 0), letters(file, 8), letters(file, 36)]).toEqual(["RIFF", "WAVE", "data"]);
    expect(file.byteLength).toBe(44 + 320);
    expect(file.getUint32(4, true)).toBe(36 + 320);
    expect([file.getUint16(22, true), file.getUint32(24, true), file.getUint32(40, true)]).toEqual([1, 48_000, 320]);
  });

  it("holds the samples, and cuts off what is too loud", async () => {
    const file = await read(wavOf([new Float32Array([0, 0.5, -1, 3, -3])], 16_000));
    const samples = [0, 1, 2, 3, 4].map((place) => file.getInt16(44 + 2 * place, true));
    expect(samples).toEqual([0, 16_384, -32_767, 32_767, -32_767]);
  });
});
