// Light, dark, or whatever the system says.
import { effect, signal } from "@preact/signals";

const STORED = "balefire-theme";
const ORDER = ["auto", "light", "dark"];

const stored = localStorage.getItem(STORED);
export const theme = signal(ORDER.includes(stored) ? stored : "auto");

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

export function nextTheme() {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length];
  localStorage.setItem(STORED, theme.value);
}
