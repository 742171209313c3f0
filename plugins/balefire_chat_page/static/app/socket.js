// One connection after another, as docs/reference/client-protocol.md describes; requests outlive any of them.
const HELLO_ID = "hello";
const BASE_MS = 500;
const CAP_MS = 30_000;
const DELIVERIES = new Set(["message", "replaced"]); // their id is the message's, perhaps one of ours
const FINAL_CLOSE_CODES = new Set([4401, 4406]);
const REPEATABLE = new Set([
  "overloaded",
  "storage_unavailable",
  "storage_full",
  "slow_down",
  "draining",
  "policy_unavailable",
]);

export class Refused extends Error {
  constructor(frame) {
    super(frame.reason || frame.code);
    this.code = frame.code;
    this.retryAfterMs = frame.retry_after_ms;
  }
}

function deviceId() {
  const stored = localStorage.getItem("balefire-device");
  if (stored) return stored;
  const made = `web-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  localStorage.setItem("balefire-device", made);
  return made;
}

export class Socket {
  // handlers: welcome(frame), frame(frame), state(name, retryAt), ended(code, reason)
  constructor(token, handlers) {
    this.token = token;
    this.handlers = handlers;
    this.requests = new Map();
    this.attempt = 0;
    this.count = 0;
    this.isOver = false;
    this.wake = () => this.retryNow();
    addEventListener("online", this.wake);
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.bye = null;
    this.isWelcome = false;
    this.handlers.state("connecting");
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/socket`;
    const raw = new WebSocket(address, "balefire.v1.json");
    this.raw = raw;
    raw.onopen = () =>
      this.write({ t: "hello", id: HELLO_ID, token: this.token, device: deviceId(), platform: "web", versions: [1] });
    raw.onmessage = (event) => raw === this.raw && this.receive(event.data);
    raw.onclose = (event) => raw === this.raw && this.lost(event.code);
  }

  write(frame) {
    if (this.raw.readyState !== WebSocket.OPEN) return;
    this.wroteAt = Date.now();
    this.raw.send(JSON.stringify(frame));
  }

  receive(text) {
    this.heardAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame.t === "welcome") this.welcomed(frame);
    else if (frame.t === "bye") this.bye = frame;
    else if (frame.id && this.requests.has(frame.id) && !DELIVERIES.has(frame.t)) this.answered(frame);
    else {
      if (frame.t === "resync") this.repeat(); // answers may be among what was left out
      this.handlers.frame(frame);
    }
  }

  welcomed(frame) {
    this.attempt = 0;
    this.isWelcome = true;
    this.heartbeat = setInterval(() => this.beat(frame.heartbeat_ms), frame.heartbeat_ms / 3);
    this.handlers.state("online");
    this.repeat();
    this.handlers.welcome(frame); // asks by itself, so after what was waiting
  }

  repeat() {
    for (const request of this.requests.values()) this.write(request.frame);
  }

  answered(frame) {
    const request = this.requests.get(frame.id);
    if (frame.t === "error" && REPEATABLE.has(frame.code) && Date.now() < request.until) {
      setTimeout(
        () => this.isWelcome && this.requests.has(frame.id) && this.write(request.frame),
        frame.retry_after_ms || 1000,
      );
      return;
    }
    this.requests.delete(frame.id);
    if (frame.t === "error") request.fail(new Refused(frame));
    else request.done(frame);
  }

  // Repeated under its id after every reconnect until it is answered.
  ask(frame, { patienceMs = 60_000 } = {}) {
    const id = frame.id ?? `r${++this.count}`;
    const whole = { ...frame, id };
    return new Promise((done, fail) => {
      this.requests.set(id, { frame: whole, done, fail, until: Date.now() + patienceMs });
      if (this.isWelcome) this.write(whole);
    });
  }

  tell(frame) {
    if (this.isWelcome) this.write(frame);
  }

  beat(periodMs) {
    const now = Date.now();
    if (now - this.heardAt > 2 * periodMs) this.raw.close();
    else if (now - this.wroteAt > periodMs / 2) this.write({ t: "ping", id: "ping" });
  }

  lost(code) {
    clearInterval(this.heartbeat);
    this.isWelcome = false;
    if (this.isOver) return;
    const mayReturn = this.bye ? this.bye.reconnect_after_ms !== undefined : !FINAL_CLOSE_CODES.has(code);
    if (!mayReturn) {
      this.close();
      this.handlers.ended(this.bye?.code ?? "unauthenticated", this.bye?.reason ?? "");
      return;
    }
    const jitter = Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** this.attempt);
    const wait = this.bye?.reconnect_after_ms ?? jitter;
    this.attempt += 1;
    this.handlers.state("waiting", Date.now() + wait);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  retryNow() {
    if (!this.isOver && !this.isWelcome && this.raw.readyState !== WebSocket.CONNECTING) this.connect();
  }

  close() {
    this.isOver = true;
    clearTimeout(this.timer);
    clearInterval(this.heartbeat);
    removeEventListener("online", this.wake);
    this.raw.close(1000);
  }
}
