// Shows /openapi.json: what there is, what it takes and gives, and a way to try it. Everything is put into the page as
// text, never as markup, so nothing in the document can run.
"use strict";

const WORDS = {
  en: {
    search: "Search", token: "Token or API key",
    tokenHint: "Make one: balefire token --user alice --data FOLDER", other: "中文", parameters: "Parameters", request: "Request body",
    answers: "Answers", tryIt: "Send", scope: "Needs scope", signedIn: "Needs a token", open: "Open to everybody",
    plugin: "from plugin", failed: "The request could not be sent", took: "ms", none: "Nothing matches",
    unavailable: "The API document could not be read",
  },
  zh: {
    search: "搜索", token: "令牌或 API 密钥",
    tokenHint: "生成令牌：balefire token --user alice --data 数据文件夹", other: "English", parameters: "参数", request: "请求体",
    answers: "应答", tryIt: "发送", scope: "需要权限", signedIn: "需要令牌", open: "无需登录",
    plugin: "来自插件", failed: "请求无法发送", took: "毫秒", none: "没有匹配的接口",
    unavailable: "无法读取接口文档",
  },
};

const LANGUAGE = "balefire-language"; // chosen once for all pages of the platform
const remembered = () => { try { return localStorage.getItem(LANGUAGE); } catch { return null; } };
let language = remembered() || (navigator.language.startsWith("zh") ? "zh" : "en");
let api = null;
const say = (word) => WORDS[language][word];
const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function withCode(text) {
  const paragraphs = text.replace(/(\S)\n(?=\S)/g, "$1 "); // a line ends where the screen ends, not where the source did
  return paragraphs.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

function resolve(schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? { title: name, ...api.components.schemas[name] } : schema ?? {};
}

function typeName(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `${typeName(schema.items ?? {})}[]`;
  return schema.type ?? "any";
}

function limits(schema) {
  const names = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "default"];
  return names.filter((name) => schema[name] !== undefined && schema[name] !== "")
    .map((name) => `${name} ${typeof schema[name] === "string" ? schema[name] : JSON.stringify(schema[name])}`).join(" · ");
}

function example(given, depth = 0) {
  const schema = resolve(given);
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(schema.anyOf[0], depth);
  if (schema.type === "array") return depth > 3 || !schema.minItems ? [] : [example(schema.items ?? {}, depth + 1)];
  if (schema.type === "integer" || schema.type === "number") return schema.minimum ?? 0;
  if (schema.type === "boolean") return false;
  if (schema.type === "object" || schema.properties) {
    const required = schema.required ?? [];
    return Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => required.includes(name))
      .map(([name, part]) => [name, example(part, depth + 1)]));
  }
  return "";
}

function shape(given, depth = 0, seen = []) {
  const schema = resolve(given);
  const rows = [];
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const required = (schema.required ?? []).includes(name);
    rows.push(make("tr", {},
      make("td", { class: required ? "required" : undefined }, `${"· ".repeat(depth)}${name}`),
      make("td", {}, typeName(part)),
      make("td", {}, [part.description, limits(part)].filter(Boolean).join(" — "))));
    const inner = part.type === "array" ? part.items : part.anyOf?.find((choice) => choice.$ref) ?? part;
    if (inner?.$ref && depth < 2 && !seen.includes(inner.$ref)) rows.push(...shape(inner, depth + 1, [...seen, inner.$ref]));
  }
  return rows;
}

async function send(method, path, inputs, bodyInput, output) {
  const query = new URLSearchParams();
  const headers = {};
  let address = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") {
      const values = parameter.schema.type === "array" ? input.value.split(/\s+/) : [input.value];
      values.forEach((value) => query.append(parameter.name, value));
    } else if (input.value) headers[parameter.name] = input.value;
  }
  if (byId("token").value) headers.Authorization = `Bearer ${byId("token").value.trim()}`;
  if (bodyInput) headers["Content-Type"] = "application/json";
  const started = performance.now();
  try {
    const answer = await fetch(address + (query.size ? `?${query}` : ""), { method, headers, body: bodyInput?.value });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
    output.textContent = `${answer.status} ${answer.statusText} · ${Math.round(performance.now() - started)} ${say("took")}\n\n${shown}`;
  } catch (error) {
    output.textContent = `${say("failed")}: ${error.message}`;
  }
  output.hidden = false;
}

function parameterTable(operation, inputs) {
  const rows = (operation.parameters ?? []).map((parameter) => {
    const input = make("input", { "aria-label": parameter.name, placeholder: typeName(parameter.schema) });
    inputs.push({ parameter, input });
    return make("tr", {},
      make("td", { class: parameter.required ? "required" : undefined }, parameter.name),
      make("td", {}, [parameter.description, limits(parameter.schema)].filter(Boolean).join(" — ")),
      make("td", {}, input));
  });
  return rows.length ? [make("h3", {}, say("parameters")), make("table", {}, ...rows)] : [];
}

function access(operation) {
  const needs = operation.security ?? [];
  const scopes = needs.flatMap((need) => need.bearer ?? []);
  const text = scopes.length ? `${say("scope")} ${scopes.join(", ")}` : needs.length ? say("signedIn") : say("open");
  return make("p", { class: "scope" }, `${text} · ${say("plugin")} ${operation["x-plugin"]}`);
}

function fill(container, method, path, operation) {
  const inputs = [];
  const schema = operation.requestBody?.content["application/json"].schema;
  const bodyInput = schema && make("textarea", { "aria-label": say("request"), spellcheck: "false" });
  if (bodyInput) bodyInput.value = JSON.stringify(example(schema), null, 2);
  const output = make("pre", { hidden: true, "aria-live": "polite" });
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const given = answer.content?.["application/json"]?.schema;
    return make("tr", {}, make("td", {}, status), make("td", {}, answer.description, given ? ` — ${typeName(given)}` : ""));
  });
  const good = Object.values(operation.responses)[0].content?.["application/json"]?.schema;
  container.append(
    access(operation),
    make("p", {}, ...withCode(operation.description ?? "")),
    ...parameterTable(operation, inputs),
    ...(schema ? [make("h3", {}, say("request")), make("table", {}, ...shape(schema)), bodyInput] : []),
    make("p", {}, make("button", { type: "button", class: "go", onclick: () => send(method.toUpperCase(), path, inputs, bodyInput, output) }, say("tryIt"))),
    output,
    make("h3", {}, say("answers")), make("table", {}, ...answers),
    ...(good ? [make("table", {}, ...shape(good))] : []));
}

function card(method, path, operation) {
  const body = make("div", { class: "body" });
  const details = make("details", { id: operation.operationId },
    make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("span", { class: "path" }, path), make("span", { class: "what" }, operation.summary)), body);
  details.addEventListener("toggle", () => {
    if (details.open && !body.childElementCount) fill(body, method, path, operation);
  });
  return details;
}

function show() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  byId("search").placeholder = byId("search").ariaLabel = say("search");
  byId("token").placeholder = byId("token").ariaLabel = say("token");
  byId("token").title = say("tokenHint");
  byId("language").textContent = say("other");
  if (!api) return;
  byId("introduction").replaceChildren(...withCode(api.info.description));
  const wanted = byId("search").value.trim().toLowerCase();
  const groups = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const text = `${method} ${path} ${operation.summary} ${operation.description ?? ""}`.toLowerCase();
      if (text.includes(wanted)) groups.get(operation.tags[0])?.push(card(method, path, operation));
    }
  }
  const filled = [...groups].filter(([, cards]) => cards.length);
  byId("tags").replaceChildren(...filled.map(([tag]) => make("a", { href: `#tag-${tag}` }, tag)));
  byId("operations").replaceChildren(...(filled.length
    ? filled.flatMap(([tag, cards]) => [make("h2", { id: `tag-${tag}` }, tag), ...cards])
    : [make("p", {}, say("none"))]));
}

byId("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem(LANGUAGE, language); } catch { /* private windows may refuse */ }
  show();
});
byId("search").addEventListener("input", show);
show();
fetch("/openapi.json").then((answer) => answer.json()).then((found) => {
  api = found;
  show();
  const chosen = location.hash && document.getElementById(location.hash.slice(1));
  if (chosen) { chosen.open = true; chosen.scrollIntoView(); }
}).catch(() => { byId("introduction").textContent = say("unavailable"); });
