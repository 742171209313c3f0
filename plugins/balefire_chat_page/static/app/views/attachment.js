// Pictures, recordings and files. A picture is shown if it comes from this server or with the message; nothing is ever
// fetched from elsewhere before somebody clicks it.
import { useState } from "preact/hooks";
import { digest, isWebAddress, sizeOf } from "../format.js";
import { html } from "../html.js";
import { Icon } from "./pieces.js";

const ICONS = { image: "picture", sticker: "picture", voice: "play", video: "play", file: "file" };

export const isAttachment = (m) => m.type in ICONS && isWebAddress(String(m.fields?.url ?? ""));

export function Attachment({ m }) {
  const [isBroken, setBroken] = useState(false);
  const { url, width, height, size_bytes: size } = m.fields;
  const picture = pictureOf(m);
  const body =
    picture && !isBroken
      ? html`<img src=${picture} alt=${digest(m)} width=${width || null} height=${height || null} loading="lazy" onError=${() => setBroken(true)} />`
      : html`<${Icon} name=${ICONS[m.type]} /><span>${digest(m)}${size > 0 && html` <small>${sizeOf(size)}</small>`}</span>`;
  return html`<a class="attachment" href=${url} target="_blank" rel="noopener noreferrer nofollow">${body}</a>`;
}

function pictureOf({ type, fields: { url, thumbnail } }) {
  const isOwn = new URL(url, location.origin).origin === location.origin;
  if (isOwn && (type === "image" || type === "sticker")) return url;
  return thumbnail ? `data:image/jpeg;base64,${thumbnail}` : "";
}
