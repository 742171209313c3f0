// Who and what things are called. Each name is asked for once, when something first shows it.
import { signal } from "@preact/signals";
import * as api from "./api.js";

const KNOWN = new Map();
const AT_ONCE = 4;
const AGAIN_MS = 5000;
const NOT_FOUND = 404;
let waiting = [];
let running = 0;

const lookUps = {
  user: async (id) => {
    const found = await api.user(id);
    return { name: found.display_name || id, kind: found.kind || "person" };
  },
  group: async (id) => ({ name: (await api.group(id)).name || id, kind: "group" }),
  channel: async (id) => ({ name: (await api.channel(id)).name || id, kind: "channel" }),
};

function lookUp(wanted) {
  waiting.push(wanted);
  if (running < AT_ONCE) {
    running += 1;
    queueMicrotask(work);
  }
}

async function work() {
  for (let wanted = waiting.shift(); wanted; wanted = waiting.shift()) {
    try {
      wanted.entry.value = await lookUps[wanted.sort](wanted.id);
    } catch (error) {
      // Until then, or if there is no such thing, the id stands in for the name.
      if (error.status !== NOT_FOUND)
        setTimeout(() => KNOWN.get(wanted.key) === wanted.entry && lookUp(wanted), AGAIN_MS);
    }
  }
  running -= 1;
}

function known(sort, id) {
  const key = `${sort}/${id}`;
  let entry = KNOWN.get(key);
  if (!entry) {
    entry = signal({ name: id, kind: sort === "user" ? "person" : sort });
    KNOWN.set(key, entry);
    if (id && lookUps[sort]) lookUp({ key, sort, id, entry });
  }
  return entry;
}

export function learn(sort, id, name, kind) {
  known(sort, id).value = { name: name || id, kind };
}

export const user = (id) => known("user", id).value;
export const userName = (id) => user(id).name;
export const place = (kind, target) => known(kind, target).value;

export function forgetNames() {
  KNOWN.clear();
  waiting = [];
}
