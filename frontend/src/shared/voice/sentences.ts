import { text } from "@/shared/text/text";

const DIGITS = 6;

/** Sentences to read aloud, all different, each with digits that nobody knew before. */
export function sentences(count: number): string[] {
  const left = [...text.voice.sentences];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [sentence = ""] = left.splice(below(left.length), 1);
    const digits = Array.from({ length: DIGITS }, () => text.voice.digits[below(10)]).join(", ");
    return `${sentence} ${digits.charAt(0).toUpperCase()}${digits.slice(1)}.`;
  });
}

function below(most: number): number {
  const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1));
  return drawn % most;
}
