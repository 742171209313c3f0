// What else there is to see, where the demo offers it.
import { useEffect, useState } from "preact/hooks";
import { accountsUrl, demoAccounts } from "../api.js";
import { html } from "../html.js";
import { language } from "../i18n.js";

export function Places() {
  const [places, setPlaces] = useState([]);
  useEffect(() => {
    if (accountsUrl) demoAccounts().then((found) => setPlaces(found.places ?? []), () => {});
  }, []);
  if (!places.length) return null;
  return html`<p class="places">${places.map(
    ({ url, name }) => html`<a key=${url} href=${url} target="_blank" rel="noopener">${name[language.value] ?? name.en}</a>`,
  )}</p>`;
}
