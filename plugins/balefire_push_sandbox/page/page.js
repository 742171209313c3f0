// The phones of the push sandbox. Everything that came from outside goes into the page as text, never as markup.
const TEXTS = {
  en: {
    title: "Push sandbox", hint: "Simulated phones. They ring when somebody writes to people who are not online.", key: "API key with push:write", enter: "Enter", user: "User", name: "Name", add: "Add a phone",
    environment: "Environment", requests: "Latest requests", time: "Time", status: "Status", reason: "Reason", vendor: "Vendor", what: "Request",
    empty: "No notifications yet", uninstall: "Remove app", gone: "app removed", live: "live", lost: "not reachable",
    other: "中文", silent: "silent", call: "call", none: "No phones yet: add one below",
  },
  zh: {
    title: "推送沙箱", hint: "模拟的手机。有人给不在线的用户发消息时，它们就会响。", key: "具有 push:write 权限的 API 密钥", enter: "进入", user: "用户", name: "名称", add: "添加手机",
    environment: "环境", requests: "最近的请求", time: "时间", status: "状态", reason: "原因", vendor: "厂商", what: "请求",
    empty: "还没有通知", uninstall: "卸载应用", gone: "应用已卸载", live: "实时", lost: "无法连接",
    other: "English", silent: "静默", call: "来电", none: "还没有手机：请在下方添加",
  },
};
const LANGUAGE = "balefire-language"; // chosen once for all pages of the platform
const remembered = () => { try { return localStorage.getItem(LANGUAGE); } catch { return null; } };
const byId = (id) => document.getElementById(id);
let language = remembered() || ((navigator.language || "en").startsWith("zh") ? "zh" : "en");
let key = sessionStorage.getItem("balefire-sandbox-key") || "";
const opened = Date.now();
const boxes = new Map();
let last = null;
let trouble = null;

const t = (name) => TEXTS[language][name];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = "Balefire · " + t("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  byId("language").textContent = t("other");
  drawState();
  if (last) draw(last);
}

function drawState() {
  const isRefused = !byId("key").hidden;
  byId("state").className = trouble ? "is-lost" : "is-live";
  byId("state").textContent = trouble ? "○ " + (isRefused ? trouble.message : t("lost")) : last ? "● " + t("live") : "";
}

function time(ms) {
  return new Date(ms).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB");
}

function drawNote(shown) {
  const note = element("article", "note");
  const top = element("div", "top");
  const sort = { background: t("silent"), voip: t("call") }[shown.push_type] || shown.thread;
  top.append(element("span", "", sort), element("time", "", time(shown.at)));
  note.append(top);
  if (shown.title) note.append(element("div", "title", shown.title));
  if (shown.body) note.append(element("div", "body", shown.body));
  return note;
}

function drawPhone(phone) {
  const box = boxes.get(phone.id) ?? element("section");
  boxes.set(phone.id, box);
  box.className = "phone" + (phone.gone_since ? " gone" : "");
  box.dataset.user = phone.user;
  const who = element("div", "who");
  who.append(element("span", "name", phone.name || phone.user || phone.id));
  if (phone.badge) who.append(element("span", "badge", String(phone.badge)));
  const clock = element("div", "clock", time(Math.max(phone.shown[0]?.at ?? 0, opened)).slice(0, 5));
  clock.ariaHidden = "true";
  const place = element("div", "who");
  const kind = phone.vendor === "apns" ? phone.topic + " · " + phone.environment : phone.vendor;
  place.append(element("span", "place", phone.gone_since ? t("gone") : kind));
  if (!phone.gone_since) {
    const remove = element("button", "", t("uninstall"));
    remove.type = "button";
    remove.addEventListener("click", () => call("DELETE", "phones/" + encodeURIComponent(phone.id)));
    place.append(remove);
  }
  const notes = phone.shown.length ? phone.shown.map(drawNote) : [element("p", "quiet", t("empty"))];
  box.replaceChildren(who, place, clock, ...notes);
  return box;
}

function drawRequest(request) {
  const row = element("tr");
  const what = request.door ?? [request.headers["apns-push-type"], request.headers["apns-id"]].filter(Boolean).join(" · ");
  const texts = [time(request.at), request.vendor ?? "apns", request.status, request.reason || "", what];
  row.append(...texts.map((text, column) => element("td", column === 2 && request.status >= 300 ? "bad" : "", String(text))));
  return row;
}

function draw(state) {
  last = state;
  const phones = state.phones.map(drawPhone);
  const wanted = phones.length ? phones : [element("p", "quiet", t("none"))];
  const { children } = byId("phones");
  // A box that is put in again forgets how far it was scrolled.
  if (wanted.length !== children.length || wanted.some((box, i) => box !== children[i])) byId("phones").replaceChildren(...wanted);
  if (!byId("vendors").options.length) byId("vendors").append(...state.vendors.map((name) => new Option(name)));
  const requests = [...state.desks, ...Object.values(state.servers).flatMap((server) => server.requests)];
  requests.sort((a, b) => b.at - a.at);
  byId("requests").replaceChildren(...requests.slice(0, 30).map(drawRequest));
}

async function call(method, path, body) {
  const headers = key ? { Authorization: "Bearer " + key } : {};
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch("/sandbox/api/" + path, { method, headers, body: body && JSON.stringify(body) });
  byId("key").hidden = answer.status !== 401;
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.status === 204 ? null : answer.json();
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function follow() {
  for (;;) {
    try {
      draw(await call("GET", last ? "state?version=" + last.version : "state"));
      trouble = null;
      drawState();
    } catch (error) {
      last = null;
      trouble = error;
      drawState();
      await pause(2000);
    }
  }
}

byId("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem(LANGUAGE, language); } catch { /* private windows may refuse */ }
  translate();
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  key = new FormData(event.target).get("key");
  sessionStorage.setItem("balefire-sandbox-key", key);
});
byId("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("POST", "phones", Object.fromEntries(new FormData(event.target)));
    event.target.reset();
  } catch (error) {
    byId("state").textContent = error.message;
  }
});
translate();
follow();
