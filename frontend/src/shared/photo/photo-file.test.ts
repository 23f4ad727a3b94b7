import { expect, it } from "vitest";

import { text } from "@/shared/text/text";

import { faultOfPhoto } from "./photo-file";

const { faults, tooLarge } = text.photo;

function file(...parts: readonly (string | number)[]): Blob {
  const bytesOf = (part: string | number) => (typeof part === "number" ? [part] : codesOf(part));
  return new Blob([new Uint8Array(parts.flatMap(bytesOf))]);
}

function codesOf(ascii: string): number[] {
  return Array.from(ascii, (one) => one.charCodeAt(0));
}

it.each([
  ["JPEG", file(0xff, 0xd8, 0xff, 0xe0)],
  ["PNG", file(0x89, "PNG\r\n\x1a\n", "....IHDR....IDAT")],
  ["WebP", file("RIFF....WEBPVP8 ........")],
  ["still extended WebP", file("RIFF....WEBPVP8X....", 0)],
  ["BMP", file("BM....")],
])("takes a %s", async (_, photo) => {
  expect(await faultOfPhoto(photo, 1000)).toBeNull();
});

it.each([
  ["an empty file", file(), faults.empty],
  ["HEIC", file(0, 0, 0, 0x18, "ftypheic"), faults.heic],
  ["AVIF", file(0, 0, 0, 0x18, "ftypavif"), faults.avif],
  ["MP4", file(0, 0, 0, 0x18, "ftypisom"), faults.video],
  ["PDF", file("%PDF-1.7"), faults.pdf],
  ["GIF", file("GIF89a"), faults.gif],
  ["TIFF", file("II*\0"), faults.tiff],
  ["animated PNG", file(0x89, "PNG\r\n\x1a\n", "....acTL....IDAT"), faults.animated],
  ["animated WebP", file("RIFF....WEBPVP8X....", 2), faults.animated],
  ["text that is called a photo", file("hello"), faults.other],
])("refuses %s with a sentence of its own", async (_, photo, fault) => {
  expect(await faultOfPhoto(photo, 1000)).toBe(fault);
});

it("refuses what is too large before it is sent, and leaves it to the service where no limit is known", async () => {
  const large = new Blob([new Uint8Array([0xff, 0xd8, 0xff]), new Uint8Array(2000)]);
  expect(await faultOfPhoto(large, 1000)).toBe(tooLarge(2003, 1000));
  expect(await faultOfPhoto(large, null)).toBeNull();
});
