// A conversation's messages: merged by number, own ones on their way last.
import { keep } from "./cache.js";
import { me, opened } from "./state.js";

const HELD = 200;
const COUNTED = 1;
const RECALLED = 2;
const keeping = new Set();

export const isRecalled = (m) => Boolean((m.flags ?? 0) & RECALLED) || m.type === "recalled";
export const isCounted = (m) => Boolean((m.flags ?? 0) & COUNTED) && m.from !== me.value;

export function merge(c, arrived) {
  const stored = new Map();
  for (const m of c.messages.value) if (m.seq) stored.set(m.seq, m);
  for (const m of arrived) if (m.seq) stored.set(m.seq, m);
  const ids = new Set();
  for (const m of arrived) if (m.from === me.value) ids.add(m.id);
  const onTheWay = c.messages.value.filter((m) => !m.seq && !ids.has(m.id));
  c.messages.value = [...[...stored.values()].sort((a, b) => a.seq - b.seq), ...onTheWay];
  if (c !== opened.value) trim(c);
  // By number, not by time: this computer's clock may differ from the server's.
  const newest = c.messages.value.at(-1);
  if (newest && (!newest.seq || newest.seq >= (c.last.value?.seq ?? 0))) c.last.value = newest;
  keepSoon(c);
}

export function patch(c, isIt, change) {
  c.messages.value = c.messages.value.map((m) => (isIt(m) ? { ...m, ...change } : m));
  const last = c.last.value;
  if (last && isIt(last)) c.last.value = { ...last, ...change };
}

export function drop(c, id) {
  c.messages.value = c.messages.value.filter((m) => m.seq || m.id !== id);
  c.last.value = c.messages.value.at(-1) ?? null;
}

// What nobody looks at is not held for ever; scrolling back fetches it again.
export function trim(c) {
  if (c.messages.value.length <= HELD) return;
  c.messages.value = c.messages.value.slice(-HELD);
  c.hasOlder.value = true;
}

function keepSoon(c) {
  if (keeping.has(c)) return;
  keeping.add(c);
  setTimeout(() => {
    keeping.delete(c);
    if (c.cursor !== null) keep(c.key, c.cursor, c.messages.value);
  }, 300);
}
