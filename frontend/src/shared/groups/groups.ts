import { text } from "@/shared/text/text";

const words = text.fairness.groups;

/** A declared attribute or group in words. Deployments may have a vocabulary of their own, so any name can come. */
export function groupWord(name: string): string {
  const known = words[name];
  if (known !== undefined) return known;
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
