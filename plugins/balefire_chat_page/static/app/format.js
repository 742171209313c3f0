// Times, links and one-line digests, as plain values: nothing here makes markup.
import { has, language, t } from "./i18n.js";
import { userName } from "./names.js";
import { me } from "./state.js";
import { isRecalled } from "./timeline.js";

const locale = () => (language.value === "zh" ? "zh-CN" : "en-GB");
const dayOf = (at) => new Date(at).toDateString();

export const isSameDay = (a, b) => dayOf(a) === dayOf(b);
export const clock = (at) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(at);
export const fullTime = (at) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeStyle: "medium" }).format(at);

export function dayName(at) {
  const now = Date.now();
  if (isSameDay(at, now)) return t("today");
  if (isSameDay(at, now - 86_400_000)) return t("yesterday");
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const shape = { weekday: "long", month: "long", day: "numeric", ...(isThisYear ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(locale(), shape).format(at);
}

export function shortTime(at) {
  const now = Date.now();
  if (isSameDay(at, now)) return clock(at);
  if (isSameDay(at, now - 86_400_000)) return t("yesterday");
  return new Intl.DateTimeFormat(locale(), { month: "numeric", day: "numeric" }).format(at);
}

// Splits text into plain strings and {url, text}. Only http and https ever become links.
const ADDRESS = /https?:\/\/[^\s<>"'`，。；：！？、（）《》“”‘’]+/gi;

export function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (!isWebAddress(address)) continue;
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ url: address, text: address });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

export function isWebAddress(text) {
  try {
    const { protocol, hostname } = new URL(text, location.origin);
    return (protocol === "https:" || protocol === "http:") && Boolean(hostname);
  } catch {
    return false;
  }
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function sizeOf(bytes) {
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(1000)), UNITS.length - 1);
  return `${new Intl.NumberFormat(locale(), { maximumSignificantDigits: 3 }).format(bytes / 1000 ** power)} ${UNITS[power]}`;
}

// ```blocks``` and `words` of code, and the text between them as it is.
const CODE = /```(?:\w*\n)?([^]+?)\n?```\n?|`([^`\n]+)`/g;

export function withCode(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(CODE)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ code: match[1] ?? match[2], isBlock: match[1] !== undefined });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

// Why the server refused, in the reader's language where the code is known.
export const refusal = ({ code, message }) => (has(`error.${code}`) ? t(`error.${code}`) : message);

const string = (value) => (typeof value === "string" ? value : "");

export function recalledSentence(m) {
  const by = string(m.fields?.by) || m.from;
  return by === me.value ? t("recalledByYou") : t("recalledBy", { name: userName(by) });
}

export function noticeSentence(m) {
  const key = has(m.type) ? m.type : "group.other";
  const names = (ids) => (Array.isArray(ids) ? ids.map((id) => userName(string(id))).join("、") : "");
  const { operator, owner, users, name } = m.fields ?? {};
  return t(key, {
    operator: userName(string(operator)),
    owner: userName(string(owner)),
    users: language.value === "zh" ? names(users) : names(users).replaceAll("、", ", "),
    name: string(name),
  });
}

export const isNotice = (m) => m.type === "tip" || m.type.startsWith("group.");

export function digest(m) {
  const fields = m.fields ?? {};
  if (isRecalled(m)) return recalledSentence(m);
  if (m.type.startsWith("group.")) return noticeSentence(m);
  if (string(fields.text)) return fields.text;
  if (m.type === "articles") return t("articles", { title: string(fields.articles?.[0]?.title) });
  if (m.type === "notification") return string(fields.title);
  if (has(m.type)) return t(m.type, { name: string(fields.name), title: string(fields.title) });
  return t("other", { type: m.type });
}
