// The REST calls this page makes. Everything else goes through the socket.
let token = "";

export function useToken(value) {
  token = value;
}

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || "";
  }
}

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

const part = encodeURIComponent;

export const logIn = (user, password) => call("POST", "/v1/login", { user, password });

// Where accounts to pick from are offered, as in the demo; empty elsewhere.
export const accountsUrl = document.querySelector('meta[name="accounts-url"]').content;
export const demoAccounts = () => call("GET", accountsUrl);
export const demoToken = (user) => call("POST", `${accountsUrl}/${part(user)}/token`);

export const user = (id) => call("GET", `/v1/users/${part(id)}`);
export const group = (id) => call("GET", `/v1/groups/${part(id)}`);
export const channel = (id) => call("GET", `/v1/channels/${part(id)}`);
export const findUsers = (text) => call("GET", `/v1/users?q=${part(text)}&limit=20`);
