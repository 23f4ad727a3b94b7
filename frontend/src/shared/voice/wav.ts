const HEADER_BYTES = 44;
const FULL_SCALE = 32_767;

/** Sound as a WAV file: one channel, 16 bits. What is beyond full scale is cut off. */
export function wavOf(parts: readonly Float32Array[], rateHz: number): Blob {
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  const file = new DataView(new ArrayBuffer(HEADER_BYTES + 2 * count));
  const word = (at: number, letters: string) => {
    for (let place = 0; place < letters.length; place += 1) file.setUint8(at + place, letters.charCodeAt(place));
  };
  word(0, "RIFF");
  file.setUint32(4, HEADER_BYTES - 8 + 2 * count, true);
  word(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true); // PCM
  file.setUint16(22, 1, true); // channels
  file.setUint32(24, rateHz, true);
  file.setUint32(28, 2 * rateHz, true); // bytes a second
  file.setUint16(32, 2, true); // bytes a sample
  file.setUint16(34, 16, true); // bits a sample
  word(36, "data");
  file.setUint32(40, 2 * count, true);
  let at = HEADER_BYTES;
  for (const part of parts) {
    for (const sample of part) {
      file.setInt16(at, Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE), true);
      at += 2;
    }
  }
  return new Blob([file.buffer], { type: "audio/wav" });
}
