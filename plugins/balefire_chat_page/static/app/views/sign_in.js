// One click for demo accounts where they are offered, user and password otherwise.
import { useEffect, useState } from "preact/hooks";
import { accountsUrl, demoAccounts, demoToken, logIn } from "../api.js";
import { html } from "../html.js";
import { language, t } from "../i18n.js";
import { signedIn, wantedUser } from "../session.js";
import { notice } from "../state.js";
import { Avatar, Icon, Mark } from "./pieces.js";
import { Places } from "./places.js";
import { Settings } from "./settings.js";

export function SignIn() {
  const [accounts, setAccounts] = useState(null);
  const [wantsPassword, setWantsPassword] = useState(!accountsUrl);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    if (!accountsUrl) return;
    demoAccounts().then(
      ({ items }) => {
        setAccounts(items);
        if (!notice.value && items.some(({ id }) => id === wantedUser()))
          enter(() => demoToken(wantedUser()));
      },
      () => setWantsPassword(true),
    );
  }, []);

  async function enter(getToken) {
    setBusy(true);
    setProblem("");
    try {
      await signedIn(await getToken());
    } catch (error) {
      setProblem(error.status === 401 ? t("wrongPassword") : t("signInFailed", { reason: error.message }));
      setBusy(false);
    }
  }

  return html`<div class="sign-in">
    <${Settings} />
    <section class="sign-in-card" aria-busy=${isBusy}>
      <${Mark} />
      <h1>Balefire</h1>
      <p class="tagline">${t("tagline")}</p>
      ${(problem || notice.value) && html`<p class="problem" role="alert"><${Icon} name="alert" />${problem || notice.value}</p>`}
      ${
        wantsPassword
          ? html`<${PasswordForm} isBusy=${isBusy} enter=${enter} />`
          : html`<${AccountPicker} accounts=${accounts} isBusy=${isBusy} enter=${enter} />`
      }
      ${
        accountsUrl &&
        accounts &&
        html`<button type="button" class="link-button" onClick=${() => setWantsPassword(!wantsPassword)}>
        ${wantsPassword ? t("useAccount") : t("usePassword")}
      </button>`
      }
      <${Places} />
    </section>
  </div>`;
}

function AccountPicker({ accounts, isBusy, enter }) {
  if (!accounts) return html`<p class="quiet">${t("loading")}</p>`;
  return html`<h2 class="quiet" id="pick">${t("pickAccount")}</h2>
    <ul class="accounts" aria-labelledby="pick">
      ${accounts.map(
        ({ id, display_name: name, about }) => html`<li key=${id}>
          <button type="button" disabled=${isBusy} data-account=${id} onClick=${() => enter(() => demoToken(id))}>
            <${Avatar} id=${id} name=${name} />
            <span class="account-words"><strong>${name}</strong><small>${about?.[language.value] || `@${id}`}</small></span>
          </button>
        </li>`,
      )}
    </ul>
    <p class="quiet small">${t("demoNote")}</p>`;
}

function PasswordForm({ isBusy, enter }) {
  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    enter(() => logIn(form.get("user").trim(), form.get("password")));
  }
  return html`<form class="password-form" onSubmit=${submit}>
    <label>${t("user")}<input name="user" required autocomplete="username" autocapitalize="none" spellcheck=${false} maxlength="64" /></label>
    <label>${t("password")}<input name="password" type="password" required autocomplete="current-password" maxlength="256" /></label>
    <button type="submit" class="primary" disabled=${isBusy}>${t("signIn")}</button>
  </form>`;
}
