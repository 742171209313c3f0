// One message. Whatever it contains is shown as text; only http and https addresses become links.
import { useEffect, useRef, useState } from "preact/hooks";
import {
  clock,
  digest,
  fullTime,
  isWebAddress,
  linked,
  noticeSentence,
  recalledSentence,
  refusal,
  withCode,
} from "../format.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { user } from "../names.js";
import { me } from "../state.js";
import { discard, mayRecall, recall, resend } from "../talk.js";
import { isRecalled } from "../timeline.js";
import { Attachment, isAttachment } from "./attachment.js";
import { Avatar, Icon, IconButton, RobotBadge } from "./pieces.js";

const EDITED = 4;

export function SystemLine({ m }) {
  const sentence = isRecalled(m) ? recalledSentence(m) : m.type === "tip" ? digest(m) : noticeSentence(m);
  return html`<p class="system" title=${fullTime(m.at)}>${sentence}</p>`;
}

export function Bubble({ m, c, isFirst, isLast, readers }) {
  const isMine = m.from === me.value;
  const sender = user(m.from);
  const isRobot = sender.kind === "robot" || m.origin === "robot";
  const [isOpen, setOpen] = useState(false);
  const [problem, setProblem] = useState("");
  // Where nothing hovers, a tap on the bubble opens its menu.
  const tapped = (event) =>
    !event.target.closest("a") && matchMedia("(hover: none)").matches && m.seq > 0 && setOpen(!isOpen);
  const shape = `${isMine ? "mine" : "theirs"} ${isFirst ? "first" : ""} ${isLast ? "last" : ""} ${m.state === "failed" ? "failed" : ""}`;
  return html`<article class="bubble-line ${shape}" data-seq=${m.seq || null}>
    ${!isMine && c.kind === "group" && html`<div class="gutter">${isLast && html`<${Avatar} id=${m.from} name=${sender.name} kind=${isRobot ? "robot" : sender.kind} size="small" />`}</div>`}
    <div class="bubble-column">
      ${isFirst && !isMine && c.kind === "group" && html`<div class="sender">${sender.name}${isRobot && html`<${RobotBadge} />`}</div>`}
      <div class="bubble-row">
        <div class="bubble ${isCard(m) ? "is-card" : ""}" onClick=${tapped}>
          <${Content} m=${m} />
          <span class="meta">${(m.flags ?? 0) & EDITED ? html`<span>${t("edited")}</span>` : null}
            <time title=${fullTime(m.at)}>${clock(m.at)}</time>${isMine && html`<${Progress} m=${m} c=${c} readers=${readers} />`}</span>
        </div>
        ${m.seq > 0 && html`<${Actions} m=${m} mayRecall=${isOpen && mayRecall(c, m)} isOpen=${isOpen} setOpen=${setOpen} setProblem=${setProblem} />`}
      </div>
      ${problem && html`<p class="failure" role="alert"><${Icon} name="alert" />${problem}</p>`}
      ${
        m.state === "failed" &&
        html`<p class="failure" role="alert"><${Icon} name="alert" /><span>${t("failed")}: ${m.error}</span>
        <button type="button" class="link-button" onClick=${() => resend(m)}>${t("resend")}</button>
        <button type="button" class="link-button" onClick=${() => discard(m)}>${t("discard")}</button></p>`
      }
    </div>
  </article>`;
}

function Progress({ m, c, readers }) {
  const [icon, words] =
    m.state === "failed"
      ? ["alert", t("failed")]
      : !m.seq
        ? ["clock", t("sending")]
        : !readers
          ? ["check", t("sent")]
          : ["checks", c.kind === "private" ? t("read") : t("readBy", { count: readers })];
  return html`<span class="progress ${readers ? "is-read" : ""}" role="img" aria-label=${words} title=${words}><${Icon} name=${icon} /></span>`;
}

function Actions({ m, mayRecall, isOpen, setOpen, setProblem }) {
  const place = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event) =>
      (event.key === "Escape" ||
        (event.type === "pointerdown" && !place.current?.parentElement.contains(event.target))) &&
      setOpen(false);
    addEventListener("pointerdown", away);
    addEventListener("keydown", away);
    return () => [removeEventListener("pointerdown", away), removeEventListener("keydown", away)];
  }, [isOpen]);
  const then = (work) => async () => {
    setOpen(false);
    setProblem("");
    try {
      await work();
    } catch (error) {
      setProblem(refusal(error));
    }
  };
  const menu = html`<div class="menu" role="menu">
    <button type="button" role="menuitem" onClick=${then(() => navigator.clipboard?.writeText(digest(m)))}>${t("copy")}</button>
    ${mayRecall && html`<button type="button" role="menuitem" data-action="recall" onClick=${then(() => recall(m))}>${t("recall")}</button>`}
  </div>`;
  return html`<span class="actions ${isOpen ? "is-open" : ""}" ref=${place}>
    <${IconButton} icon="more" label=${t("actions")} aria-haspopup="menu" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)} />
    ${isOpen && menu}
  </span>`;
}

// -- content ---------------------------------------------------------------------------------------------------------

const isCard = (m) => ["articles", "article", "link", "notification"].includes(m.type);

function Content({ m }) {
  const fields = m.fields ?? {};
  if (m.type === "articles" && Array.isArray(fields.articles)) return html`<${Articles} articles=${fields.articles} />`;
  if (m.type === "link") return html`<${Article} item=${fields} isLead=${true} />`;
  if (m.type === "notification") return html`<${ServiceNotice} fields=${fields} />`;
  if (isAttachment(m)) return html`<${Attachment} m=${m} />`;
  return html`${fields.quote && html`<${Quote} quote=${fields.quote} />`}<${Text} text=${String(digest(m))} />`;
}

function Quote({ quote }) {
  const { user: author, digest: words } = quote;
  return html`<blockquote class="quote">${author && html`<strong>${user(String(author)).name}</strong>`}${String(words ?? "")}</blockquote>`;
}

export function Text({ text }) {
  return html`<span class="text">${withCode(text).map((part) =>
    typeof part === "string" ? html`<${Linked} text=${part} />` : html`<code class=${part.isBlock ? "block" : ""}>${part.code}</code>`,
  )}</span>`;
}

function Linked({ text }) {
  return linked(text).map((part) =>
    typeof part === "string"
      ? part
      : html`<a href=${part.url} target="_blank" rel="noopener noreferrer nofollow">${part.text}</a>`,
  );
}

function Articles({ articles }) {
  return html`<div class="articles">${articles.slice(0, 10).map((item, i) => html`<${Article} item=${item ?? {}} isLead=${i === 0} key=${i} />`)}</div>`;
}

function Article({ item, isLead }) {
  const body = html`<strong>${String(item.title ?? "")}</strong>${isLead && item.digest && html`<span>${String(item.digest)}</span>`}`;
  if (!isWebAddress(String(item.url ?? ""))) return html`<div class="article">${body}</div>`;
  return html`<a class="article" href=${item.url} target="_blank" rel="noopener noreferrer nofollow">${body}
    <small>${new URL(item.url, location.origin).hostname}</small></a>`;
}

function ServiceNotice({ fields }) {
  const rows = Array.isArray(fields.rows) ? fields.rows : [];
  return html`<div class="service"><strong>${String(fields.title ?? "")}</strong>
    ${fields.description && html`<p><${Text} text=${String(fields.description)} /></p>`}
    <dl>${rows.map((row, i) => html`<div key=${i}><dt>${String(row?.key ?? "")}</dt><dd>${String(row?.value ?? "")}</dd></div>`)}</dl>
    ${fields.remark && html`<p class="quiet"><${Text} text=${String(fields.remark)} /></p>`}
    ${fields.url && isWebAddress(String(fields.url)) && html`<a href=${fields.url} target="_blank" rel="noopener noreferrer nofollow">${String(fields.url)}</a>`}
  </div>`;
}
