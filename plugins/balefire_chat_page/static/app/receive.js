// What the server says by itself.
import { compareLists, reaches, take } from "./catch_up.js";
import { conversation, conversations, me, online, removeConversation } from "./state.js";
import { patch } from "./timeline.js";

const TYPING_MS = 6000;

const handlers = {
  message(frame) {
    if (!frame.seq) return; // transient: nothing here shows it yet
    const c = conversation(frame.in);
    stopTyping(c, frame.from);
    arrive(c, frame.seq, () => take(c, [frame]));
  },
  hole(frame) {
    const c = conversation(frame.in);
    arrive(c, frame.seq, () => (c.cursor = frame.seq));
  },
  replaced(frame) {
    const c = conversation(frame.in);
    patch(c, (m) => m.seq === frame.seq, { ...frame, t: "message" });
  },
  typing(frame) {
    const c = conversation(frame.in);
    if (frame.user === me.value) return;
    if (!frame.on) return void stopTyping(c, frame.user);
    const until = Date.now() + TYPING_MS;
    c.typing.value = new Map(c.typing.value).set(frame.user, until);
    setTimeout(() => c.typing.value.get(frame.user) === until && stopTyping(c, frame.user), TYPING_MS);
  },
  presence(frame) {
    online.value = new Map(online.value).set(frame.user, frame.online);
  },
  marked(frame) {
    const c = conversation(frame.in);
    if (frame.user === me.value) {
      c.myRead = Math.max(c.myRead, frame.read);
      if (c.myRead >= (c.cursor ?? 0)) c.unread.value = 0;
      else compareLists().catch(() => {}); // another device has read a part; the server knows how much is left
    } else if (frame.read > (c.reads.value.get(frame.user) ?? 0)) {
      c.reads.value = new Map(c.reads.value).set(frame.user, frame.read);
    }
  },
  joined(frame) {
    if (frame.user !== me.value) return;
    if (conversations.value.has(frame.in)) conversation(frame.in).role.value = frame.role;
    else compareLists().catch(() => {});
  },
  left(frame) {
    if (frame.user === me.value) removeConversation(frame.in);
  },
  resync() {
    compareLists().catch(() => {});
  },
};

export function receive(frame) {
  handlers[frame.t]?.(frame);
}

// A number is either the next one, or it shows that something is missing, or it is old.
export function arrive(c, seq, accept) {
  if (c.cursor === null) c.cursor = seq - 1;
  if (seq === c.cursor + 1) accept();
  else if (seq > c.cursor) reaches(c, seq);
}

function stopTyping(c, user) {
  if (!c.typing.value.has(user)) return;
  const rest = new Map(c.typing.value);
  rest.delete(user);
  c.typing.value = rest;
}
