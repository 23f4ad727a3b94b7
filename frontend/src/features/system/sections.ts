export const SECTIONS = ["overview", "checks", "keys", "performance"] as const;
export type Section = (typeof SECTIONS)[number];

/** The section in an address; anything else is the first. */
export function sectionOf({ section }: Readonly<Record<string, unknown>>): { readonly section?: Section } {
  const found = SECTIONS.find((one) => one === section);
  return found === undefined ? {} : { section: found };
}
