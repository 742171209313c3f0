import { html } from "../html.js";
import { isNewChatOpen, me, opened } from "../state.js";
import { ConnectionBanner } from "./banner.js";
import { Chat, NothingOpen } from "./chat.js";
import { NewChat } from "./new_chat.js";
import { Sidebar } from "./sidebar.js";
import { SignIn } from "./sign_in.js";

export function App() {
  if (!me.value) return html`<${SignIn} />`;
  const c = opened.value;
  return html`<div class="app ${c ? "shows-chat" : "shows-list"}">
    <${ConnectionBanner} />
    <${Sidebar} />
    <main class="stage">${c ? html`<${Chat} key=${c.key} c=${c} />` : html`<${NothingOpen} />`}</main>
    ${isNewChatOpen.value && html`<${NewChat} />`}
  </div>`;
}
