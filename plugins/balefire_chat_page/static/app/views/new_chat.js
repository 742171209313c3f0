// Finds somebody to talk to.
import { useEffect, useRef, useState } from "preact/hooks";
import { findUsers } from "../api.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { learn } from "../names.js";
import { show } from "../session.js";
import { isNewChatOpen, me } from "../state.js";
import { privateKey } from "../talk.js";
import { Avatar, Icon, IconButton, RobotBadge } from "./pieces.js";

const PAUSE_MS = 200;

export function NewChat() {
  const [text, setText] = useState("");
  const [found, setFound] = useState(null);
  const dialog = useRef(null);
  const close = () => dialog.current.close(); // gives the focus back to where it was

  useEffect(() => {
    dialog.current.showModal();
  }, []);

  useEffect(() => {
    let isStale = false;
    const timer = setTimeout(async () => {
      const answer = await findUsers(text.trim()).catch(() => ({ items: [] }));
      if (!isStale) setFound(answer.items.filter((user) => user.id !== me.value));
    }, PAUSE_MS);
    return () => [clearTimeout(timer), (isStale = true)];
  }, [text]);

  function choose({ id, display_name: name, kind }) {
    learn("user", id, name, kind);
    close();
    show(privateKey(id));
  }

  return html`<dialog class="dialog" ref=${dialog} aria-label=${t("newChat")} onClose=${() => (isNewChatOpen.value = false)}
      onClick=${(event) => event.target === dialog.current && close()}>
    <div class="dialog-inner">
      <header><h2>${t("newChat")}</h2><${IconButton} icon="close" label=${t("close")} onClick=${close} /></header>
      <label class="search"><${Icon} name="search" />
        <input type="search" placeholder=${t("findPeople")} aria-label=${t("findPeople")} value=${text} onInput=${(e) => setText(e.target.value)} />
      </label>
      <ul class="accounts">
        ${(found ?? []).map(
          (user) => html`<li key=${user.id}><button type="button" data-user=${user.id} onClick=${() => choose(user)}>
          <${Avatar} id=${user.id} name=${user.display_name || user.id} kind=${user.kind} />
          <span class="account-words"><strong>${user.display_name || user.id}${user.kind === "robot" && html`<${RobotBadge} />`}</strong><small>@${user.id}</small></span>
        </button></li>`,
        )}
        ${found && !found.length && html`<li class="empty quiet">${t("nobodyFound")}</li>`}
      </ul>
    </div>
  </dialog>`;
}
