// Where messages are written. Enter sends, Shift+Enter breaks the line, and an input method's Enter is left to it.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { LONGEST_TEXT, noteTyping, sendText, stopTyping } from "../talk.js";
import { Icon } from "./pieces.js";

const TALLEST = 160;

export function Composer({ c }) {
  const [text, setText] = useState(c.draft);
  const field = useRef(null);
  const isFine = matchMedia("(pointer: fine)").matches;
  const isTooLong = [...text].length > LONGEST_TEXT;

  useEffect(() => {
    if (isFine) field.current.focus();
  }, []);

  useEffect(() => {
    c.draft = text;
    const { style } = field.current;
    style.height = "auto";
    style.height = `${Math.min(field.current.scrollHeight, TALLEST)}px`;
  }, [text]);

  function submit(event) {
    event?.preventDefault();
    if (!text.trim() || isTooLong) return;
    sendText(c, text.trim());
    stopTyping(c);
    setText("");
    field.current.focus();
  }

  function keyed(event) {
    // Safari ends the composition before its Enter arrives; the old key code still tells.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !isComposing && isFine) submit(event);
  }

  function typed(event) {
    setText(event.target.value);
    if (event.target.value) noteTyping(c);
  }

  return html`<form class="composer" onSubmit=${submit}>
    ${isTooLong && html`<p class="failure" role="alert">${t("tooLong", { count: LONGEST_TEXT })}</p>`}
    <textarea ref=${field} rows="1" value=${text} placeholder=${t("messageTo", { name: c.title })} aria-label=${t("messageTo", { name: c.title })}
      enterkeyhint="send" autocomplete="off" onInput=${typed} onKeyDown=${keyed} onBlur=${() => stopTyping(c)}></textarea>
    <button type="submit" class="send" aria-label=${t("send")} title=${t("send")} disabled=${!text.trim() || isTooLong}><${Icon} name="send" /></button>
  </form>`;
}
