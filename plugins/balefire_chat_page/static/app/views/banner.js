// Says so when what is on screen may not be the latest.
import { useEffect, useState } from "preact/hooks";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { retryNow } from "../line.js";
import { isCatchingUp, link } from "../state.js";

const PATIENCE_MS = 700; // a quick reconnect needs no words

export function ConnectionBanner() {
  const { name, retryAt } = link.value;
  const [now, tick] = useState(Date.now());
  const [isLate, setLate] = useState(false);
  const isFine = name === "online" && !isCatchingUp.value;
  useEffect(() => {
    setLate(false);
    if (isFine) return undefined;
    const late = setTimeout(() => setLate(true), PATIENCE_MS);
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => [clearTimeout(late), clearInterval(timer)];
  }, [isFine]);
  if (isFine || !isLate) return html`<div class="banner-place" role="status" aria-live="polite"></div>`;
  const seconds = Math.max(0, Math.ceil((retryAt - now) / 1000));
  const sentence =
    name === "online"
      ? t("updating")
      : name === "connecting"
        ? t("connecting")
        : seconds
          ? t("reconnectIn", { seconds })
          : t("reconnecting");
  return html`<div class="banner-place" role="status" aria-live="polite">
    <div class="banner">
      <span class="spinner"></span>${sentence}
      ${name === "waiting" && seconds > 1 && html`<button type="button" class="link-button" onClick=${retryNow}>${t("retryNow")}</button>`}
    </div>
  </div>`;
}
