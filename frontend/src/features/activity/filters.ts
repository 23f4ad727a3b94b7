import { type AuditRecord, type RecordsWanted } from "@/shared/audit/records";

/** What one looks for in the log, as it stands in the page's address. */
export interface Filters {
  readonly action?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly user_id?: string;
  /** Local time, as a datetime field writes it. */
  readonly from?: string;
  readonly to?: string;
  /** Show who looked at the log, too. */
  readonly reads?: true;
}

const WORD = /^[a-z0-9_]{1,64}$/;
const USER_ID = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;
const READ = "read_audit";

/** The filters in an address; what can't be one is left out, since anybody can write an address. */
export function filtersOf(search: Readonly<Record<string, unknown>>): Filters {
  const filters: { -readonly [Name in keyof Filters]: Filters[Name] } = {};
  for (const name of ["action", "outcome", "reason"] as const) {
    const value = wordOf(search[name]);
    if (value !== null && WORD.test(value)) filters[name] = value;
  }
  const userId = wordOf(search["user_id"]);
  if (userId !== null && isUserId(userId)) filters.user_id = userId;
  for (const name of ["from", "to"] as const) {
    const value = wordOf(search[name]);
    if (value !== null && !Number.isNaN(Date.parse(value))) filters[name] = value;
  }
  if (search["reads"] === true) filters.reads = true;
  return filters;
}

/** What is all digits in an address arrives as a number. */
function wordOf(value: unknown): string | null {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
}

export function isUserId(value: string): boolean {
  return USER_ID.test(value);
}

/** Filters with one of them changed; nothing takes it out. */
export function withFilter<Name extends keyof Filters>(
  filters: Filters,
  name: Name,
  value: Filters[Name] | "",
): Filters {
  const others = Object.fromEntries(Object.entries(filters).filter(([other]) => other !== name));
  return value === "" || value === undefined ? others : { ...others, [name]: value };
}

/** How many filters narrow the list down. */
export function countOf(filters: Filters): number {
  return Object.keys(filters).filter((name) => name !== "reads").length;
}

/** The same in the words of the service. */
export function wantedOf({ from, to, reads, ...words }: Filters): RecordsWanted {
  return {
    ...words,
    ...(from !== undefined && { since: new Date(from).toISOString() }),
    ...(to !== undefined && { until: new Date(to).toISOString() }),
    ...(reads !== true && { without_reads: true }),
  };
}

/** Whether a record that just came fits. `subject` is the pseudonym of the person who is looked for. */
export function fits(record: AuditRecord, filters: Filters, subject: string | null): boolean {
  if (filters.reads !== true && record.action === READ) return false;
  if (filters.user_id !== undefined && record.subject !== subject) return false;
  return (["action", "outcome", "reason"] as const).every(
    (name) => filters[name] === undefined || filters[name] === record[name],
  );
}
