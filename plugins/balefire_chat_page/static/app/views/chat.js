// One conversation: head, messages, composer.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dayName, isNotice, isSameDay } from "../format.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { userName } from "../names.js";
import { show } from "../session.js";
import { me, online } from "../state.js";
import { loadOlder, markRead } from "../talk.js";
import { isRecalled, trim } from "../timeline.js";
import { Bubble, SystemLine } from "./bubble.js";
import { Composer } from "./composer.js";
import { Avatar, Icon, IconButton, Mark, RobotBadge } from "./pieces.js";
import { Places } from "./places.js";

const NEAR = 80; // pixels from the end that still count as reading the newest
const TOGETHER_MS = 5 * 60_000;
const MOST_AT_END = 400; // whoever reads the newest does not hold what came hours ago

export function NothingOpen() {
  return html`<div class="nothing"><${Mark} /><p>${t("pickConversation")}</p><p class="quiet">${t("pickConversationHint")}</p><${Places} /></div>`;
}

export function Chat({ c }) {
  return html`<section class="chat" aria-label=${c.title} data-open=${c.key}>
    <header class="chat-head">
      <${IconButton} icon="back" label=${t("back")} onClick=${() => show("")} class="icon-button back" />
      <${Avatar} id=${c.peer || c.target} name=${c.title} kind=${c.isRobot ? "robot" : c.kind} isOnline=${online.value.get(c.peer)} />
      <div class="chat-title"><h2>${c.title}${c.isRobot && html`<${RobotBadge} />`}</h2><p>${standing(c)}</p></div>
    </header>
    <${Messages} c=${c} />
    ${c.isReadOnly ? html`<p class="read-only">${t("channelReadOnly")}</p>` : html`<${Composer} c=${c} />`}
  </section>`;
}

function standing(c) {
  const typing = [...c.typing.value.keys()];
  if (typing.length && c.kind === "private") return html`<span class="is-typing">${t("typingOne")}</span>`;
  if (typing.length) {
    const names = typing.map(userName).join(", ");
    return html`<span class="is-typing">${t(typing.length > 1 ? "typingMany" : "typingName", { name: names, names })}</span>`;
  }
  if (c.kind !== "private") return t(c.kind);
  if (c.isRobot) return `@${c.peer}`;
  const isOnline = online.value.get(c.peer);
  if (isOnline === undefined) return `@${c.peer}`; // not known: we are offline ourselves, or nobody has told us yet
  return isOnline ? html`<span class="is-online">${t("online")}</span>` : t("offline");
}

function Messages({ c }) {
  const box = useRef(null);
  const place = useRef({ isAtEnd: true, height: 0, oldest: 0 });
  const [hasNews, setNews] = useState(false);
  const messages = c.messages.value;
  const oldest = messages[0]?.seq ?? 0;
  const newest = messages.at(-1);

  useLayoutEffect(() => {
    const element = box.current;
    const before = place.current;
    const isMine = newest && !newest.seq && newest.from === me.value;
    if (before.isAtEnd || isMine) element.scrollTop = element.scrollHeight;
    else if (before.oldest && oldest < before.oldest) element.scrollTop += element.scrollHeight - before.height;
    else if (element.scrollHeight > before.height) setNews(true);
    place.current = { ...before, height: element.scrollHeight, oldest };
    if (before.isAtEnd) {
      markRead(c);
      if (messages.length > MOST_AT_END) trim(c);
    }
  }, [messages]);

  useEffect(() => {
    const element = box.current;
    const follow = new ResizeObserver(() => {
      if (place.current.isAtEnd) element.scrollTop = element.scrollHeight;
    });
    follow.observe(element);
    return () => follow.disconnect();
  }, []);

  function scrolled() {
    if (!box.current) return; // the last scroll of a conversation that was left
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    place.current.isAtEnd = isAtEnd;
    if (isAtEnd) {
      setNews(false);
      markRead(c);
    }
    if (scrollTop < NEAR && c.hasOlder.value && messages.length) loadOlder(c);
  }

  function toEnd() {
    place.current.isAtEnd = true;
    box.current.scrollTop = box.current.scrollHeight;
    setNews(false);
  }

  return html`<div class="messages-place">
    <div class="messages" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label=${t("message")} aria-live="polite">
      <div class="messages-inner">
        ${
          c.isLoading.value
            ? html`<p class="edge quiet"><span class="spinner"></span>${t("loading")}</p>`
            : c.hasOlder.value && messages.length > 0
              ? html`<p class="edge"><button type="button" class="link-button" onClick=${() => loadOlder(c)}>${t("loadOlder")}</button></p>`
              : html`<p class="edge quiet">${t("beginning")}</p>`
        }
        ${lines(c, messages)}
      </div>
    </div>
    ${hasNews && html`<button type="button" class="to-end" onClick=${toEnd}>${t("newBelow")}<${Icon} name="down" /></button>`}
  </div>`;
}

function lines(c, messages) {
  const reads = [...c.reads.value.values()];
  return messages.map((m, i) => {
    const previous = messages[i - 1];
    const next = messages[i + 1];
    const isNewDay = !previous || !isSameDay(previous.at, m.at);
    const line =
      isRecalled(m) || isNotice(m)
        ? html`<${SystemLine} m=${m} />`
        : html`<${Bubble} m=${m} c=${c} isFirst=${isNewDay || !belongs(previous, m)} isLast=${!next || !belongs(m, next)}
          readers=${m.from === me.value && m.seq ? reads.filter((seq) => seq >= m.seq).length : 0} />`;
    const day = isNewDay && html`<div class="day" role="separator"><span>${dayName(m.at)}</span></div>`;
    return html`<div class="line" key=${m.from === me.value && m.id ? `own-${m.id}` : m.seq}>${day}${line}</div>`;
  });
}

function belongs(a, b) {
  const isSystem = isRecalled(a) || isNotice(a) || isRecalled(b) || isNotice(b);
  return !isSystem && a.from === b.from && isSameDay(a.at, b.at) && b.at - a.at < TOGETHER_MS;
}
