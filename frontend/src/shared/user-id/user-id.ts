import { text } from "@/shared/text/text";

const MAX_LENGTH = 128;
const OTHER = /[^A-Za-z0-9._@+-]/u;

/** What is wrong with a user id, by the service's own rules; null when it can be sent. */
export function faultOfUserId(given: string): string | null {
  const words = text.userId;
  if (given === "") return words.missing;
  if (given.length > MAX_LENGTH) return words.tooLong;
  const other = OTHER.exec(given)?.[0];
  if (other !== undefined) return words.holds(/\s/u.test(other) ? words.space : other);
  return /^[A-Za-z0-9]/.test(given) ? null : words.begins;
}
