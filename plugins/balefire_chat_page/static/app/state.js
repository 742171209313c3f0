// Everything the views show. Views read signals; session.js alone writes them.
import { computed, signal } from "@preact/signals";
import { place, user } from "./names.js";

export const me = signal("");
export const notice = signal(""); // a sentence for the sign-in view
export const link = signal({ name: "off", retryAt: 0 });
export const isCatchingUp = signal(false);
export const conversations = signal(new Map());
export const openKey = signal("");
export const online = signal(new Map());
export const isNewChatOpen = signal(false);

export class Conversation {
  constructor(key) {
    this.key = key;
    const [, kind, target] = /^(\w+)\/([^#]*)/.exec(key) ?? [key, "", key];
    this.kind = kind;
    this.target = target;
    this.cursor = null;
    this.messages = signal([]); // ascending by seq, then what is on its way
    this.last = signal(null);
    this.unread = signal(0);
    this.role = signal("member");
    this.reads = signal(new Map()); // user -> seq
    this.typing = signal(new Map()); // user -> until
    this.hasOlder = signal(true);
    this.isLoading = signal(false);
    this.draft = "";
    this.myRead = 0;
  }

  get peer() {
    if (this.kind !== "private") return "";
    const ids = this.target.split(",");
    return ids[0] === me.value ? ids[1] : ids[0];
  }

  get title() {
    if (this.kind === "private") return user(this.peer).name;
    const [id, follower] = this.target.split(","); // channel/news,bob is bob's own thread with the channel
    const { name } = place(this.kind, id);
    return follower && follower !== me.value ? `${name} · ${user(follower).name}` : name;
  }

  get isRobot() {
    return this.kind === "private" && user(this.peer).kind === "robot";
  }

  get isReadOnly() {
    return this.kind === "channel" && !this.target.includes(",") && !["owner", "manager"].includes(this.role.value);
  }
}

export function conversation(key) {
  let found = conversations.value.get(key);
  if (!found) {
    found = new Conversation(key);
    conversations.value = new Map(conversations.value).set(key, found);
  }
  return found;
}

export function removeConversation(key) {
  const rest = new Map(conversations.value);
  rest.delete(key);
  conversations.value = rest;
  if (openKey.value === key) openKey.value = "";
}

export const opened = computed(() => conversations.value.get(openKey.value) ?? null);

export const sorted = computed(() =>
  [...conversations.value.values()]
    .filter((c) => c.last.value || c.key === openKey.value || c.kind !== "private")
    .sort((a, b) => (b.last.value?.at ?? 0) - (a.last.value?.at ?? 0) || a.key.localeCompare(b.key)),
);

export const totalUnread = computed(() =>
  [...conversations.value.values()].reduce((sum, c) => sum + c.unread.value, 0),
);
