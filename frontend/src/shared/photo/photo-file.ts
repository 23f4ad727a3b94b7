import { text } from "@/shared/text/text";

const HEAD_BYTES = 4096;

type Kind = "jpeg" | "png" | "webp" | "bmp" | keyof typeof text.photo.faults;

const READABLE: ReadonlySet<Kind> = new Set(["jpeg", "png", "webp", "bmp"]);
const HEIC_BRANDS = /^(heic|heix|hevc|hevx|heim|heis|mif1|msf1)/;

/**
 * What is wrong with a file that should be a photo, by its first bytes; null when it can be sent.
 *
 * A file's name says nothing sure. What can't be used is told here at once, instead of after an upload.
 */
export async function faultOfPhoto(file: Blob, mostBytes: number | null): Promise<string | null> {
  const words = text.photo;
  const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (!READABLE.has(kind)) return words.faults[kind as keyof typeof words.faults];
  return mostBytes !== null && file.size > mostBytes ? words.tooLarge(file.size, mostBytes) : null;
}

function kindOf(head: Uint8Array): Kind {
  const ascii = String.fromCharCode(...head);
  if (head.length === 0) return "empty";
  if (ascii.startsWith("\xff\xd8\xff")) return "jpeg";
  if (ascii.startsWith("\x89PNG\r\n\x1a\n")) return movesAsPng(ascii) ? "animated" : "png";
  if (ascii.startsWith("RIFF") && ascii.slice(8, 12) === "WEBP") return movesAsWebp(head, ascii) ? "animated" : "webp";
  if (ascii.startsWith("RIFF") || ascii.startsWith("\x1a\x45\xdf\xa3")) return "video";
  if (ascii.startsWith("BM")) return "bmp";
  if (ascii.startsWith("GIF8")) return "gif";
  if (ascii.startsWith("%PDF")) return "pdf";
  if (ascii.startsWith("II*\0") || ascii.startsWith("MM\0*")) return "tiff";
  if (ascii.slice(4, 8) === "ftyp") {
    const brand = ascii.slice(8, 12);
    return HEIC_BRANDS.test(brand) ? "heic" : brand.startsWith("avi") ? "avif" : "video";
  }
  return "other";
}

/** An animated PNG says so before its first picture. */
function movesAsPng(ascii: string): boolean {
  const control = ascii.indexOf("acTL");
  const picture = ascii.indexOf("IDAT");
  return control !== -1 && (picture === -1 || control < picture);
}

const WEBP_FLAGS = 20;
const WEBP_MOVES = 0b10;

function movesAsWebp(head: Uint8Array, ascii: string): boolean {
  return ascii.slice(12, 16) === "VP8X" && ((head[WEBP_FLAGS] ?? 0) & WEBP_MOVES) !== 0;
}
