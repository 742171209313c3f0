// What the user does in a conversation: send, read, scroll back, take back.
import { reaches } from "./catch_up.js";
import { refusal } from "./format.js";
import { ask, tell } from "./line.js";
import { arrive } from "./receive.js";
import { conversation, conversations, me, openKey, opened, removeConversation } from "./state.js";
import { drop, merge, patch, trim } from "./timeline.js";

const OUTBOX = "balefire-outbox";
const PAGE = 50;
const TYPING_EVERY_MS = 3000;
export const LONGEST_TEXT = 10_000;

// -- sending ---------------------------------------------------------------------------------------------------------

// crypto.randomUUID is there on secure pages only; this one may be served over plain http in a home network.
const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const unsent = () => JSON.parse(sessionStorage.getItem(OUTBOX) ?? "[]");
const rememberUnsent = (list) => sessionStorage.setItem(OUTBOX, JSON.stringify(list));
const forgetUnsent = (id) => rememberUnsent(unsent().filter((m) => m.id !== id));

const MENTION = /(?:^|\s)@([^\s,/#@，。！？、：；]{1,64})/g;
const EVERYBODY = new Set(["all", "所有人"]);

function mentioned(c, text) {
  if (c.kind !== "group") return {};
  const ids = [...text.matchAll(MENTION)].map(([, id]) => (EVERYBODY.has(id) ? "*" : id));
  return ids.length ? { mentions: [...new Set(ids)].slice(0, 50) } : {};
}

export function sendText(c, text) {
  const said = { type: "text", fields: { text }, ...mentioned(c, text) };
  const message = { id: newId(), from: me.value, in: c.key, at: Date.now(), seq: 0, ...said };
  rememberUnsent([...unsent(), message]);
  dispatch(message);
}

export function resend(message) {
  const { error, ...again } = message;
  rememberUnsent([...unsent().filter((m) => m.id !== again.id), again]);
  dispatch(again);
}

export function discard(message) {
  forgetUnsent(message.id);
  drop(conversation(message.in), message.id);
}

// After a reload: what was not answered goes out again under its id, and is stored once.
export function sendUnsent() {
  for (const message of unsent()) if (message.from === me.value) dispatch(message);
}

export const forgetAllUnsent = () => sessionStorage.removeItem(OUTBOX);

async function dispatch(message) {
  const c = conversation(message.in);
  const waiting = { ...message, state: "sending" };
  c.messages.value = [...c.messages.value.filter((m) => m.seq || m.id !== message.id), waiting];
  c.last.value = waiting;
  try {
    const { id, type, fields, mentions = [] } = message;
    const sent = await ask({ t: "send", id, to: message.in, type, fields, mentions });
    forgetUnsent(message.id);
    const stored = { ...message, message: sent.message, seq: sent.seq, at: sent.at, state: "sent" };
    if (!c.messages.value.some((m) => m.seq === sent.seq)) {
      merge(c, [stored]);
      arrive(c, sent.seq, () => (c.cursor = sent.seq));
    }
    markRead(c);
  } catch (error) {
    patch(c, (m) => !m.seq && m.id === message.id, { state: "failed", error: refusal(error) });
  }
}

export const recall = (message) => ask({ t: "recall", message: message.message });

const RECALL_MS = 120_000;

// As the server sees it: the author for two minutes, a manager always.
export function mayRecall(c, message) {
  if (["owner", "manager"].includes(c.role.value)) return true;
  return message.from === me.value && Date.now() - message.at < RECALL_MS;
}

// -- typing ----------------------------------------------------------------------------------------------------------

let typedAt = 0;

export function noteTyping(c) {
  if (Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  tell({ t: "typing", in: c.key, on: true });
}

export function stopTyping(c) {
  if (typedAt) tell({ t: "typing", in: c.key, on: false });
  typedAt = 0;
}

// -- reading ---------------------------------------------------------------------------------------------------------

export function isReading(c) {
  return opened.value === c && document.visibilityState === "visible";
}

export function markRead(c) {
  if (!isReading(c) || !c.cursor) return;
  c.unread.value = 0;
  if (c.myRead >= c.cursor) return;
  c.myRead = c.cursor;
  ask({ t: "mark", in: c.key, read: c.cursor, delivered: c.cursor }).catch(() => {});
}

export async function loadOlder(c) {
  if (c.isLoading.value || !c.hasOlder.value) return;
  c.isLoading.value = true;
  try {
    const oldest = c.messages.value.find((m) => m.seq)?.seq ?? 0;
    await loadPage(c, oldest);
  } catch {
    // the button to load them is still there
  } finally {
    c.isLoading.value = false;
  }
}

async function loadPage(c, before) {
  const page = await ask({ t: "history", in: c.key, before, limit: PAGE });
  c.hasOlder.value = (page.more ?? []).length > 0;
  merge(c, page.messages ?? []);
}

// The newest page, also when it is cached: what was recalled meanwhile shows as recalled.
export async function refresh(c) {
  try {
    const page = await ask({ t: "history", in: c.key, before: 0, limit: PAGE });
    const messages = page.messages ?? [];
    merge(c, messages);
    const isAll = c.messages.value.filter((m) => m.seq).length <= messages.length;
    if (isAll) c.hasOlder.value = (page.more ?? []).length > 0;
    if (c.cursor !== null && messages.length) reaches(c, messages[0].seq);
  } catch {
    c.hasOlder.value = false; // nobody has written here yet,
    if (c.kind !== "private" && c.listedSeq === undefined) removeConversation(c.key); // or this is no place of ours
  }
}

export function open(key) {
  const left = opened.value;
  openKey.value = key;
  if (left && left.key !== key) trim(left);
  if (!key) return;
  const c = conversation(key);
  refresh(c).then(() => markRead(c));
  markRead(c);
}

export function privateKey(user) {
  return `private/${[me.value, user].sort().join(",")}`;
}

export const peers = () =>
  [...new Set([...conversations.value.values()].map((c) => c.peer).filter(Boolean))].sort().slice(0, 500);
