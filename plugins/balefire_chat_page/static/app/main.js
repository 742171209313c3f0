import { render } from "preact";
import { html } from "./html.js";
import { resume } from "./session.js";
import { App } from "./views/app.js";

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
resume();
