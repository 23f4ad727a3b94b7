/** What a first visit loads, held against its budget, and that nothing is asked of a third party. */

import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

const DIST = new URL("../dist/", import.meta.url).pathname;
const MOST_SCRIPT_BYTES = 250_000; // gzipped, for the first page that a visitor sees
const MOST_STYLE_BYTES = 40_000;
const ENTRIES = ["index.html", "src/features/sign-in/SignInPage.tsx"];

const manifest = JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8")) as Readonly<Record<string, Chunk>>;

function needed(entry: string, found = new Set<string>()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const next of manifest[entry]?.imports ?? []) needed(next, found);
  return found;
}

function zipped(file: string): number {
  return gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length;
}

const chunks = new Set(ENTRIES.flatMap((entry) => [...needed(entry)]));
const scripts = new Set([...chunks].flatMap((key) => manifest[key]?.file ?? []));
const sheets = new Set([...chunks].flatMap((key) => manifest[key]?.css ?? []));
const total = (files: Iterable<string>) => [...files].reduce((sum, file) => sum + zipped(file), 0);
const [script, style] = [total(scripts), total(sheets)];

const faults: string[] = [];
if (scripts.size === 0) faults.push("the manifest names no entry");
if (script > MOST_SCRIPT_BYTES) faults.push(`scripts ${script} > ${MOST_SCRIPT_BYTES} bytes`);
if (style > MOST_STYLE_BYTES) faults.push(`styles ${style} > ${MOST_STYLE_BYTES} bytes`);

// Addresses that a browser would fetch by itself: what is loaded, imported or drawn. Words and links may name others.
const FETCHED =
  /(?:src|href)\s*=\s*["'](?:https?:)?\/\/|@import\s|url\(\s*["']?(?:https?:)?\/\/|\bimport\(\s*["']https?:/;
for (const name of readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
  if (![".html", ".css", ".js"].includes(extname(name))) continue;
  const found = FETCHED.exec(readFileSync(join(DIST, name), "utf8"));
  if (found !== null) faults.push(`${name} asks for something elsewhere: ${found[0]}`);
}

console.log(
  `first load, gzipped: ${(script / 1000).toFixed(1)} kB of scripts (most ${MOST_SCRIPT_BYTES / 1000}), ${(style / 1000).toFixed(1)} kB of styles`,
);
if (faults.length > 0) {
  console.error(faults.map((fault) => `over budget: ${fault}`).join("\n"));
  process.exit(1);
}
