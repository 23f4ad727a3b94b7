/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"\s*,?\s*/gy;
const ESCAPED: Readonly<Record<string, string>> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** Reads what `/metrics` says. Comments, and lines that are none of the format, are left out. */
export function parseMetrics(text: string): readonly Sample[] {
  return text.split("\n").flatMap((line) => sampleOf(line.trim()) ?? []);
}

function sampleOf(line: string): Sample | null {
  if (line === "" || line.startsWith("#")) return null;
  const [, name, inside, figure] = LINE.exec(line) ?? [];
  if (name === undefined || figure === undefined) return null;
  const value = valueOf(figure);
  return value === null ? null : { name, labels: labelsOf(inside ?? ""), value };
}

function labelsOf(inside: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of inside.matchAll(LABEL)) {
    labels[name] = value.replaceAll(/\\[\\"n]/g, (escaped) => ESCAPED[escaped] ?? escaped);
  }
  return labels;
}

function valueOf(figure: string): number | null {
  if (figure === "+Inf" || figure === "Inf") return Infinity;
  if (figure === "-Inf") return -Infinity;
  const value = Number(figure);
  return Number.isNaN(value) ? null : value;
}

/** The only sample of a name, or the sum of all of them; null when there is none. */
export function totalOf(samples: readonly Sample[], name: string): number | null {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}
