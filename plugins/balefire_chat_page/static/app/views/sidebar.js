import { useState } from "preact/hooks";
import { digest, shortTime } from "../format.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { user, userName } from "../names.js";
import { show, signOut } from "../session.js";
import { isNewChatOpen, me, online, openKey, sorted } from "../state.js";
import { isRecalled } from "../timeline.js";
import { Avatar, Icon, IconButton, Mark, RobotBadge } from "./pieces.js";
import { Settings } from "./settings.js";

export function Sidebar() {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const rows = sorted.value.filter((c) => !wanted || `${c.title} ${c.target}`.toLowerCase().includes(wanted));
  return html`<nav class="sidebar" aria-label=${t("conversations")}>
    <header class="sidebar-head">
      <${Mark} /><h1>Balefire</h1>
      <${IconButton} icon="pencil" label=${t("newChat")} onClick=${() => (isNewChatOpen.value = true)} data-action="new-chat" />
    </header>
    <label class="search"><${Icon} name="search" />
      <input type="search" placeholder=${t("search")} aria-label=${t("search")} value=${filter} onInput=${(e) => setFilter(e.target.value)} />
    </label>
    <ul class="rows">
      ${rows.map((c) => html`<${Row} key=${c.key} c=${c} />`)}
      ${!rows.length && html`<li class="empty quiet">${wanted ? t("nobodyFound") : t("noConversations")}</li>`}
    </ul>
    <footer class="sidebar-foot">
      <${Avatar} id=${me.value} name=${userName(me.value)} size="small" />
      <span class="who" title=${me.value}>${userName(me.value)}</span>
      <${Settings} />
      <${IconButton} icon="exit" label=${t("signOut")} onClick=${signOut} data-action="sign-out" />
    </footer>
  </nav>`;
}

function Row({ c }) {
  const unread = c.unread.value;
  const last = c.last.value;
  return html`<li>
    <a class="row ${openKey.value === c.key ? "is-open" : ""}" href=${`#/${c.key}`} data-key=${c.key}
       aria-current=${openKey.value === c.key ? "true" : null}
       onClick=${(event) => (event.preventDefault(), show(c.key))}>
      <${Avatar} id=${c.peer || c.target} name=${c.title} kind=${c.isRobot ? "robot" : c.kind} isOnline=${online.value.get(c.peer)} />
      <span class="row-words">
        <span class="row-top"><strong class="row-title">${c.title}</strong>${c.isRobot && html`<${RobotBadge} />`}
          ${last && html`<time class="row-time">${shortTime(last.at)}</time>`}</span>
        <span class="row-bottom"><span class="row-digest">${preview(c, last)}</span>
          ${unread > 0 && html`<span class="unread" aria-label=${t("unread", { count: unread })}>${unread > 99 ? "99+" : unread}</span>`}</span>
      </span>
    </a>
  </li>`;
}

function preview(c, last) {
  const typing = [...c.typing.value.keys()];
  if (typing.length) {
    return html`<em class="is-typing">${c.kind === "private" ? t("typingOne") : t("typingName", { name: userName(typing[0]) })}</em>`;
  }
  if (!last) return html`<span class="quiet">${t(c.kind === "private" ? "message" : c.kind)}</span>`;
  if (last.state === "failed") return html`<em class="is-failed">${t("failed")}: ${digest(last)}</em>`;
  const isPlain = c.kind !== "group" || isRecalled(last) || last.type.startsWith("group.");
  if (isPlain) return digest(last);
  return `${last.from === me.value ? t("you") : user(last.from).name}: ${digest(last)}`;
}
