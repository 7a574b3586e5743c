// <slack-connect status-token="…" link-url="…">: a button that knows whether Slack is connected.
// It asks the service that this file came from, and opens `link-url` in a new tab. Nothing else leaves the page.

const STATUS = new URL("status", import.meta.url);
const SVG = "http://www.w3.org/2000/svg";
const LINK = { part: "button", target: "_blank", rel: "noopener", referrerpolicy: "no-referrer" };
const TIMEOUT = 10000;
const APART = 1000;

const TEXTS = {
  add: "Add to Slack",
  pending: "Connecting to Slack…",
  waiting: "Waiting for approval",
  connected: "Connected to {workspace}",
  broken: "No longer connected to {workspace}",
  reconnect: "Reconnect",
};
// What the button says, and what is said beside it. Each can be replaced: <slot name="add">, add-text="…".
const VIEWS = {
  none: ["add", null],
  pending: ["add", "pending"],
  awaiting_approval: ["add", "waiting"],
  working: [null, "connected"],
  broken: ["reconnect", "broken"],
};

// A constructed style sheet needs no leave from the page's Content-Security-Policy.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: inline-flex; flex-wrap: wrap; align-items: center; gap: .5em .75em; max-inline-size: 100%;
  --paper: #fff; --ink: #1d1c1d; --line: #86838a }
:host([hidden]), [hidden] { display: none }
[part=status]:empty { position: absolute }
@supports (color: light-dark(#000, #fff)) {
  :host { --paper: light-dark(#fff, #211e26); --ink: light-dark(#1d1c1d, #f3f1f5); --line: light-dark(#86838a, #8d8795) }
}
a { display: inline-flex; align-items: center; justify-content: center; gap: .6em; box-sizing: border-box;
  max-inline-size: 100%; min-block-size: max(2.75em, 24px); padding-block: .4em; padding-inline: .9em;
  border: 1px solid var(--slack-connect-border, var(--line)); border-radius: var(--slack-connect-radius, .5em);
  background: var(--slack-connect-background, var(--paper)); color: var(--slack-connect-color, var(--ink));
  font-weight: 600; text-align: start; text-decoration: none; overflow-wrap: anywhere }
a:hover { text-decoration: underline }
a:focus-visible, [part=status]:focus-visible { outline: 3px solid var(--slack-connect-focus, currentColor);
  outline-offset: 2px }
svg { flex: none; inline-size: 1.25em; block-size: 1.25em }
[part=status] { color: var(--slack-connect-status-color, inherit); overflow-wrap: anywhere }
.working::before { content: "\\2713\\a0" / "" }
.unknown { animation: show 0s .8s both }
@keyframes show { from { visibility: hidden } }
@keyframes pulse { 50% { opacity: .4 } }
@media (prefers-reduced-motion: no-preference) { .pending svg { animation: pulse 1.6s ease-in-out infinite } }
@media (forced-colors: active) {
  a { border-color: LinkText; color: LinkText }
  a:focus-visible { outline-color: Highlight }
}`);

function make(name, attributes, ...children) {
  const made = name === "svg" || name === "path" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function mark() {
  const d = "M25.8 77.6c0 7.1-5.8 12.9-12.9 12.9S0 84.7 0 77.6s5.8-12.9 12.9-12.9h12.9v12.9zm6.5 0c0-7.1 5.8-12.9 " +
    "12.9-12.9s12.9 5.8 12.9 12.9v32.3c0 7.1-5.8 12.9-12.9 12.9s-12.9-5.8-12.9-12.9V77.6z";
  const leaves = ["#e01e5a", "#36c5f0", "#2eb67d", "#ecb22e"].map((fill, turn) =>
    make("path", { d, fill, transform: `rotate(${turn * 90} 61.4 61.4)` }));
  return make("svg", { part: "icon", viewBox: "0 0 122.8 122.8", "aria-hidden": "true" }, ...leaves);
}

// An address that a person may be sent to: https, or http on this very machine. Otherwise nothing.
function safe(address) {
  try {
    const url = new URL(address, document.baseURI);
    const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
    return url.protocol === "https:" || (url.protocol === "http:" && isLocal) ? url.href : "";
  } catch {
    return "";
  }
}

// Asks for the status behind one token, for all elements that hold it: often at first, later less, never while nobody
// can see the page.
class Watch {
  static #all = new Map();

  static join(token, listener) {
    if (!Watch.#all.has(token)) Watch.#all.set(token, new Watch(token));
    const watch = Watch.#all.get(token);
    watch.#listeners.add(listener);
    if (watch.#answer) queueMicrotask(() => watch.#listeners.has(listener) && listener(watch.#answer));
    return watch;
  }

  #token;
  #listeners = new Set();
  #answer = null;
  #life = new AbortController();
  #request = null;
  #timer = 0;
  #since = 0;
  #notBefore = 0;

  constructor(token) {
    this.#token = token;
    const { signal } = this.#life;
    const wake = () => this.wake();
    document.addEventListener("visibilitychange", wake, { signal });
    for (const name of ["focus", "online", "pageshow"]) addEventListener(name, wake, { signal });
    wake();
  }

  leave(listener) {
    this.#listeners.delete(listener);
    if (!this.#listeners.size) this.#end();
  }

  // Somebody is looking: ask now, and often for a while.
  wake() {
    this.#since = performance.now();
    this.#ask();
  }

  #end() {
    if (Watch.#all.get(this.#token) === this) Watch.#all.delete(this.#token);
    clearTimeout(this.#timer);
    this.#life.abort();
    this.#request?.abort();
  }

  #later(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), wait);
  }

  #pace() {
    const minutes = (performance.now() - this.#since) / 60000;
    return minutes < 1 ? 2000 : minutes < 5 ? 5000 : minutes < 30 ? 15000 : 60000;
  }

  async #ask() {
    if (this.#request || document.hidden || this.#life.signal.aborted) return;
    const early = this.#notBefore - performance.now();
    if (early > 0) return this.#later(early);
    this.#notBefore = performance.now() + APART;
    this.#request = new AbortController();
    const limit = setTimeout(() => this.#request.abort(), TIMEOUT);
    try {
      await this.#fetch(this.#request.signal);
    } catch {
      // Offline for a moment: ask again.
    }
    clearTimeout(limit);
    this.#request = null;
    if (!this.#life.signal.aborted) this.#later(this.#pace());
  }

  async #fetch(signal) {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const answer = await fetch(STATUS, { headers, signal, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    if (answer.ok) {
      this.#tell(await answer.json());
    } else if (answer.status === 401) {
      this.#tell(null);
      this.#end();
    } else {
      const seconds = Number(answer.headers.get("Retry-After")) || 10;
      this.#notBefore = performance.now() + seconds * 1000;
    }
  }

  #tell(answer) {
    this.#answer = answer;
    if (!this.#life.signal.aborted) for (const listener of [...this.#listeners]) listener(answer);
  }
}

class SlackConnect extends HTMLElement {
  static observedAttributes = ["status-token", "link-url", ...Object.keys(TEXTS).map((name) => `${name}-text`)];

  #label = make("span", { part: "label" });
  #link = make("a", LINK, mark(), this.#label);
  #says = make("span", { part: "status", role: "status" });
  #status = null;
  #emitted = "";
  #watch = null;
  #shown = "";
  #listener = (answer) => this.#hear(answer);

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#link, this.#says);
    this.#link.addEventListener("click", () => this.#watch?.wake());
  }

  get status() {
    return this.#status;
  }

  get statusToken() {
    return this.getAttribute("status-token");
  }

  set statusToken(value) {
    this.#set("status-token", value);
  }

  get linkUrl() {
    return this.getAttribute("link-url");
  }

  set linkUrl(value) {
    this.#set("link-url", value);
  }

  connectedCallback() {
    // What a framework set before this file was loaded hides the property.
    for (const name of ["statusToken", "linkUrl"]) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    this.#follow();
  }

  disconnectedCallback() {
    this.#watch?.leave(this.#listener);
    this.#watch = null;
  }

  attributeChangedCallback(name, before, now) {
    if (before === now) return;
    const isToken = name === "status-token";
    if (isToken) {
      // It may be another owner's.
      this.#status = null;
      this.#emitted = "";
    }
    if (this.isConnected) isToken ? this.#follow() : this.#render();
  }

  #set(name, value) {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  #follow() {
    const watch = this.statusToken ? Watch.join(this.statusToken, this.#listener) : null;
    if (watch !== this.#watch) this.#watch?.leave(this.#listener);
    this.#watch = watch;
    this.#render();
  }

  #hear(answer) {
    if (!answer) return this.#emit("expired", {});
    this.#status = answer;
    this.#render();
    const { state, workspace, reason, attemptId } = answer;
    const news = JSON.stringify([state, workspace, reason]);
    if (news === this.#emitted) return;
    this.#emitted = news;
    this.#emit("change", { state, workspace, reason, attemptId });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`slack-connect:${name}`, { detail, bubbles: true, composed: true }));
  }

  #render() {
    const state = this.#status?.state ?? (this.#watch ? "unknown" : "none");
    const [offer, said] = VIEWS[state] ?? VIEWS.none;
    const href = offer && this.hasAttribute("link-url") ? safe(this.linkUrl) : "";
    const had = this.shadowRoot.activeElement === this.#link;
    this.#link.className = this.#says.className = state;
    if (href) this.#link.href = href;
    else this.#link.removeAttribute("href");
    this.#link.hidden = !href;
    this.#fill(offer, said);
    if (had && !href && said) {
      // The button that had the focus is gone.
      this.#says.tabIndex = -1;
      this.#says.focus();
    }
  }

  // Only if it has changed: a screen reader would say it again.
  #fill(offer, said) {
    const texts = [offer, said].map((name) => name && this.getAttribute(`${name}-text`));
    const shown = JSON.stringify([offer, said, texts, this.#status?.workspace]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#label.replaceChildren(...this.#words(offer));
    this.#says.replaceChildren(...this.#words(said));
  }

  #words(name) {
    if (!name) return [];
    const own = this.getAttribute(`${name}-text`);
    const [before, ...after] = (own ?? TEXTS[name]).split("{workspace}");
    const parts = after.flatMap((text) => [make("bdi", {}, this.#status?.workspace?.name ?? "Slack"), text]);
    return [make("slot", own === null ? { name, lang: "en" } : { name }, before, ...parts)];
  }
}

// Loaded twice, the first one stays.
if (!customElements.get("slack-connect")) customElements.define("slack-connect", SlackConnect);
