export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "facekey-theme";

/** What the person chose on this device; how a page looks is all that is ever kept in a browser's storage. */
export function chosenTheme(): Theme {
  const kept = globalThis.localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === kept) ?? "system";
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") globalThis.localStorage.removeItem(KEY);
  else globalThis.localStorage.setItem(KEY, theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
