// Small things that several views show.
import { html } from "../html.js";
import { t } from "../i18n.js";

function hueOf(id) {
  let sum = 2166136261; // FNV-1a; its high bits, because short ids differ in few low ones
  for (const letter of id) sum = Math.imul(sum ^ letter.codePointAt(0), 16777619) >>> 0;
  return (sum >>> 15) % 12;
}

function initial(name) {
  const [letter = "?"] = name.trim();
  return letter.toUpperCase();
}

const SYMBOLS = { group: "people", channel: "megaphone", robot: "robot" };

export function Avatar({ id, name, kind, isOnline, size = "medium" }) {
  return html`<span class="avatar hue-${hueOf(id)} ${size}" aria-hidden="true">
    ${SYMBOLS[kind] ? html`<${Icon} name=${SYMBOLS[kind]} />` : initial(name)}
    ${isOnline && html`<span class="dot"></span>`}
  </span>`;
}

export function RobotBadge() {
  return html`<span class="badge">${t("robot")}</span>`;
}

const PATHS = {
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zm-7 9c0-4 3-6.500 7-6.500s7 2.500 7 6.500M16 4.500a3.300 3.300 0 0 1 0 6.300M18.500 14.200c2.200.9 3.500 2.900 3.500 5.800",
  megaphone: "M4 10v4h3l8 5V5l-8 5H4zm14-1.500a4.500 4.500 0 0 1 0 7M8 14.500l1.500 5.500",
  robot:
    "M7 8h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3v-6a3 3 0 0 1 3-3zM12 8V4m0 0h.01M9 13v1.500M15 13v1.500M9.500 17h5M2 13v2M22 13v2",
  pencil: "M4 20h4L19.500 8.500a2.800 2.800 0 0 0-4-4L4 16v4zM14 6l4 4",
  send: "M4 12l16-8-5 16-3.500-6.500L4 12zm7.500 1.500L20 4",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.200 16.200L21 21",
  globe:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 2.500 4 5.500 4 9s-1 6.500-4 9c-3-2.500-4-5.500-4-9s1-6.500 4-9z",
  auto: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 7h5.500M12 12h8.500M12 17h5.500",
  light:
    "M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5",
  dark: "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z",
  exit: "M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h11m0 0l-4-4m4 4l-4 4",
  check: "M5 13l4.500 4.500L19 8",
  checks: "M2 13l4.500 4.500L16 8M11 16.500l1 1L22 8",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.500 2",
  alert: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.500V13M12 16.300v.2",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  picture: "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM8.500 10.500h.01M3 17l5-4 3 2 5-5 5 5",
  play: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM10 8.500v7l6-3.500-6-3.500z",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5zm0 0v5h5",
  down: "M6 10l6 6 6-6",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
}

export function IconButton({ icon, label, onClick, ...rest }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} onClick=${onClick} ...${rest}>
    <${Icon} name=${icon} />
  </button>`;
}

export function Mark() {
  return html`<svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
    <path class="flame" d="M33 6c3 9 13 14 13 27 0 9-6 15-14 15s-14-6-14-14c0-6.500 4-10 6-14 1.500 3 2.500 5 4.500 6C27.500 19 29 12 33 6z" />
    <path class="heart" d="M32.500 28c1.500 4.500 5.500 6.500 5.500 11.500 0 4-2.500 6.500-6 6.500s-6-2.500-6-6c0-5 5-6.500 6.500-12z" />
    <path class="wood" d="M15 58l34-6M15 52l34 6" />
  </svg>`;
}
