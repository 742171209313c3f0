// Signing in and out, and the life of the connection in between.
import { batch, effect } from "@preact/signals";
import * as api from "./api.js";
import { dropCache, openCache } from "./cache.js";
import { compareLists, forgetGaps } from "./catch_up.js";
import { t } from "./i18n.js";
import { ask, useSocket } from "./line.js";
import { forgetNames } from "./names.js";
import { receive } from "./receive.js";
import { Socket } from "./socket.js";
import { conversation, conversations, link, me, notice, online, opened, openKey, totalUnread } from "./state.js";
import { forgetAllUnsent, markRead, open, peers, refresh, sendUnsent } from "./talk.js";

const STORED = "balefire-session";
let socket = null;
let watched = "";

export function resume() {
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
  if (!stored || (wantedUser() && wantedUser() !== stored.user)) return;
  start(stored.token, stored.user);
}

// A link may say whom to sign in as: /?as=alice. Each tab has its own session.
export const wantedUser = () => new URLSearchParams(location.search).get("as") ?? "";

export function signedIn({ token, user }) {
  sessionStorage.setItem(STORED, JSON.stringify({ token, user }));
  return start(token, user);
}

async function start(token, user) {
  notice.value = "";
  api.useToken(token);
  const kept = await openCache(user);
  batch(() => {
    me.value = user;
    link.value = { name: "connecting", retryAt: 0 };
    for (const { key, cursor, messages } of kept) restore(conversation(key), cursor, messages);
  });
  socket = new Socket(token, {
    welcome: welcomed,
    frame: receive,
    state: stateChanged,
    ended: (code, reason) =>
      leave(code === "unauthenticated" || code.startsWith("token") ? t("signedOut") : reason || code),
  });
  useSocket(socket);
  sendUnsent();
  open(keyInAddress());
}

function stateChanged(name, retryAt = 0) {
  link.value = { name, retryAt };
  if (name === "waiting") online.value = new Map(); // nobody tells us now
}

function restore(c, cursor, messages) {
  c.cursor = cursor;
  c.messages.value = messages;
  c.last.value = messages.at(-1) ?? null;
}

async function welcomed() {
  watched = "";
  forgetGaps();
  try {
    await compareLists();
  } catch {
    return; // the connection went away again
  }
  watchPeers();
  if (opened.value) await refresh(opened.value);
  if (opened.value) markRead(opened.value);
}

function watchPeers() {
  const list = peers();
  if (list.join() === watched || link.value.name !== "online") return;
  watched = list.join();
  ask({ t: "watch", users: list }).catch(() => {});
}

export async function signOut() {
  await dropCache(me.value);
  forgetAllUnsent();
  leave("");
}

function leave(sentence) {
  socket?.close();
  socket = null;
  useSocket(null);
  sessionStorage.removeItem(STORED); // what was not sent yet stays, and goes out after the next sign-in
  forgetNames();
  forgetGaps();
  api.useToken("");
  batch(() => {
    conversations.value = new Map();
    online.value = new Map();
    openKey.value = "";
    link.value = { name: "off", retryAt: 0 };
    me.value = "";
    notice.value = sentence;
    // Who signs out leaves no trace; whose session ended comes back to where they were.
    if (!sentence) history.replaceState(null, "", "/");
    else if (location.search) history.replaceState(null, "", `/${location.hash}`);
  });
}

// -- the address bar: #/group/team -----------------------------------------------------------------------------------

function isSomebodyElses(key) {
  const [kind, target = ""] = key.split(/[/#]/);
  return kind === "private" && !target.split(",").includes(me.value);
}

function keyInAddress() {
  try {
    const key = /^#\/(\w+\/.+)$/.exec(decodeURI(location.hash).replaceAll("%23", "#"))?.[1] ?? "";
    return isSomebodyElses(key) ? "" : key;
  } catch {
    return ""; // a broken address
  }
}

addEventListener("hashchange", () => {
  if (me.value && keyInAddress() !== openKey.value) open(keyInAddress());
});

export function show(key) {
  if (!key) {
    if (history.state?.wasOpened) history.back();
    else location.hash = "";
    open("");
    return;
  }
  const address = `#/${encodeURI(key).replaceAll("#", "%23")}`;
  if (openKey.value) history.replaceState(history.state, "", address);
  else history.pushState({ wasOpened: true }, "", address);
  open(key);
}

// -- what follows from the state -------------------------------------------------------------------------------------

effect(() => {
  document.title = totalUnread.value ? `(${totalUnread.value}) Balefire` : "Balefire";
});

effect(() => {
  if (conversations.value.size) setTimeout(watchPeers, 200);
});

document.addEventListener("visibilitychange", () => opened.value && markRead(opened.value));
