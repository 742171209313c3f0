// Language and appearance: two buttons that are in the same corner everywhere.
import { html } from "../html.js";
import { chooseLanguage, language, t } from "../i18n.js";
import { nextTheme, theme } from "../theme.js";
import { IconButton } from "./pieces.js";

const THEME_WORDS = { auto: "themeAuto", light: "themeLight", dark: "themeDark" };

export function Settings() {
  const other = language.value === "zh" ? "en" : "zh";
  return html`<div class="settings">
    <button type="button" class="language-button" lang=${other === "zh" ? "zh-CN" : "en"} onClick=${() => chooseLanguage(other)}>
      ${other === "zh" ? "中文" : "English"}
    </button>
    <${IconButton} icon=${theme.value} label=${`${t("theme")}: ${t(THEME_WORDS[theme.value])}`} onClick=${nextTheme} />
  </div>`;
}
