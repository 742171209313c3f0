// Words in the reader's language: the browser's, until they choose one.
import { effect, signal } from "@preact/signals";
import en from "./words/en.js";
import zh from "./words/zh.js";

const WORDS = { en, zh };
const STORED = "balefire-language";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in WORDS) return stored;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = signal(preferred());

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});

export function chooseLanguage(code) {
  localStorage.setItem(STORED, code);
  language.value = code;
}

export function t(key, values = {}) {
  const sentence = WORDS[language.value][key] ?? WORDS.en[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function has(key) {
  return key in WORDS.en;
}
