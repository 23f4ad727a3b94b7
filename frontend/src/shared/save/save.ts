/** Gives the person a file: the browser asks where to, or puts it among the downloads. Nothing of it is kept here. */
export function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has its own hold on the content by the next turn of the loop.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

export function saveJson(content: unknown, name: string): void {
  saveFile(new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" }), name);
}

/** A word that every file system takes, for use in a file's name. */
export function fileWord(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, "_");
}
