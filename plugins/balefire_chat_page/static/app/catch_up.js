// Fetches what was missed: the list after every connect, then pages from the cursors of what is behind.
import { ask } from "./line.js";
import { conversation, conversations, isCatchingUp, removeConversation } from "./state.js";
import { isCounted, merge } from "./timeline.js";

const TOO_FAR = 500; // further behind than this, start anew from the newest page
const AT_ONCE = 200;
const behind = new Map(); // key -> the seq it is known to reach
let isRunning = false;

export function forgetGaps() {
  behind.clear();
}

export function reaches(c, seq) {
  if (seq <= (c.cursor ?? 0)) return;
  behind.set(c.key, Math.max(seq, behind.get(c.key) ?? 0));
  if (!isRunning) run();
}

async function run() {
  isRunning = true;
  try {
    while (behind.size) await fetchPage([...behind.keys()].slice(0, AT_ONCE));
  } catch {
    behind.clear(); // the next list finds the gaps again
  } finally {
    isRunning = false;
  }
}

async function fetchPage(keys) {
  const cursors = Object.fromEntries(keys.map((key) => [key, conversation(key).cursor ?? 0]));
  const page = await ask({ t: "sync", cursors, limit: 200 });
  const arrived = byPlace(page.messages);
  for (const key of keys) {
    const c = conversation(key);
    const fresh = (arrived.get(key) ?? []).filter((m) => m.seq > (c.cursor ?? 0));
    take(c, fresh);
    const upto = page.upto?.[key] ?? cursors[key];
    c.cursor = Math.max(c.cursor ?? 0, upto);
    const isDone = upto >= (behind.get(key) ?? 0) || upto <= cursors[key];
    if (isDone && !(page.more ?? []).includes(key)) behind.delete(key);
  }
}

function byPlace(messages) {
  const groups = new Map();
  for (const m of messages) {
    if (!groups.has(m.in)) groups.set(m.in, []);
    groups.get(m.in).push(m);
  }
  return groups;
}

// News of a conversation, in order and without gaps.
export function take(c, fresh) {
  if (!fresh.length) return;
  c.cursor = Math.max(c.cursor ?? 0, fresh.at(-1).seq);
  const unread = countAfter(fresh, Math.max(c.listedSeq ?? 0, c.myRead));
  if (unread) c.unread.value += unread;
  merge(c, fresh);
}

const countAfter = (messages, seq) => messages.filter((m) => m.seq > seq && isCounted(m)).length;

export async function compareLists() {
  isCatchingUp.value = true;
  const listed = new Set();
  try {
    let after = "";
    do {
      const page = await ask({ t: "list", after, limit: 100 });
      for (const item of page.items ?? []) {
        listed.add(item.in);
        compare(conversation(item.in), item);
      }
      after = page.next ?? "";
    } while (after);
    for (const c of conversations.value.values()) {
      if (c.listedSeq !== undefined && !listed.has(c.key)) removeConversation(c.key); // left, or put out, meanwhile
    }
  } finally {
    isCatchingUp.value = false;
  }
}

function compare(c, item) {
  c.role.value = item.role || "member";
  c.myRead = Math.max(c.myRead, item.read ?? 0);
  c.listedSeq = item.last_seq;
  // What arrived while the list was on its way is not in its figure.
  c.unread.value = (item.unread ?? 0) + countAfter(c.messages.value, Math.max(c.listedSeq, c.myRead));
  const last = item.last && { in: c.key, ...item.last };
  const isFar = c.cursor !== null && item.last_seq - c.cursor > TOO_FAR;
  if (isFar) c.messages.value = c.messages.value.filter((m) => !m.seq);
  if (isFar || c.cursor === null) {
    c.cursor = item.last_seq;
    c.hasOlder.value = true;
  } else if (item.last_seq > c.cursor) reaches(c, item.last_seq);
  if (last && (last.seq ?? 0) >= (c.last.value?.seq ?? 0)) c.last.value = last;
}
