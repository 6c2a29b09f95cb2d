"use strict";

/* One WebSocket, JSON both ways.
 *   we send   join {room, name, key} once, then say {text, ref}, typing {on}, ping {ref}
 *   we hear   welcome, joined, left, rooms, message, typing, pong, refused
 * `ref` is our own name for a message: it comes back with it, which gives the latency and
 * tells a message that was sent before the connection broke from one that was not. `key` is a
 * secret of this tab; the server shows others a digest of it (`author`), by which we know our own.
 */

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

const RETRY = { first: 500, factor: 1.7, most: 15000 }; // milliseconds
const PING_EVERY = 4000;
const TYPING_EVERY = 2000; // while someone types; the notice is dropped after twice that
const GROUP_WITHIN = 3 * 60 * 1000; // messages of one person that share a heading
const MOST_SHOWN = 400; // messages kept in the page
const MOST_PEOPLE = 100; // people listed by name
const MOST_NOTED = 30; // in a larger room nobody reads who comes and goes

const state = {
  name: remembered("name") || "",
  key: tabKey(),
  author: "",
  room: roomInAddress(),
  me: null, // {id, name} while we are in the room
  epoch: 0,
  last: 0, // number of the newest message shown
  people: new Map(),
  typing: new Map(),
  pending: new Map(), // ref -> {text, element, at}: said, but not come back yet
  trips: [],
  limits: { text: 2000, name: 24 },
  unread: 0,
  refusal: "", // why we were not let in
};

/* ---------------------------------------------------------------- what stays in the browser */

function remembered(key) {
  try { return localStorage.getItem(`chat.${key}`); } catch { return null; }
}

function remember(key, value) {
  try { localStorage.setItem(`chat.${key}`, value); } catch { /* a private window: forgotten, then */ }
}

function newName() { return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; } // no UUID without TLS

function tabKey() {
  try {
    const key = sessionStorage.getItem("chat.key") ?? newName();
    sessionStorage.setItem("chat.key", key);
    return key;
  } catch { return newName(); }
}

function roomInAddress() {
  try { return decodeURIComponent(location.hash.slice(1)).trim().slice(0, 24) || "lobby"; } catch { return "lobby"; }
}

/* ---------------------------------------------------------------- the connection */

const line = {
  socket: null,
  attempt: 0,
  timer: 0,

  open() {
    clearTimeout(this.timer);
    const old = this.socket;
    if (old) { old.onclose = old.onmessage = null; old.close(1000); }
    showLine("waiting", "connecting");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "join", room: state.room, name: state.name, key: state.key }));
    socket.onmessage = (event) => hear(JSON.parse(event.data));
    socket.onclose = () => this.lost();
  },

  lost() {
    this.socket = null;
    state.me = null;
    if (state.people.size) { state.people.clear(); showPeople(); }
    state.typing.clear();
    showTyping();
    // Full jitter, so that a restarted server does not meet everyone in the same instant.
    const ceiling = Math.min(RETRY.most, RETRY.first * RETRY.factor ** this.attempt);
    const wait = ceiling * (0.5 + Math.random() / 2);
    this.attempt += 1;
    showLine("lost", "offline");
    countDown(Date.now() + wait);
    this.timer = setTimeout(() => this.open(), wait);
  },

  now() {
    if (!this.socket && state.name) { this.attempt = 0; this.open(); }
  },

  get ready() { return this.socket?.readyState === WebSocket.OPEN && state.me !== null; },

  send(event) {
    if (this.ready) this.socket.send(JSON.stringify(event));
    return this.ready;
  },
};

addEventListener("online", () => line.now());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  state.unread = 0;
  showTitle();
  line.now();
});
$("retry").onclick = () => { line.now(); $("text").focus(); };

setInterval(() => {
  if (!document.hidden && line.ready) line.send({ type: "ping", ref: `ping ${performance.now()}` });
}, PING_EVERY);

/* ---------------------------------------------------------------- what we hear */

function hear(event) {
  const heard = {
    welcome: hearWelcome,
    joined() { state.people.set(event.member.id, event.member.name); showPeople(); noteMove(`${event.member.name} came in`); },
    left() {
      const name = state.people.get(event.id);
      state.people.delete(event.id);
      state.typing.delete(event.id);
      showPeople();
      showTyping();
      if (name) noteMove(`${name} left`);
    },
    rooms() { showRooms(event.rooms); },
    message() { hearMessage(event.message, true); },
    typing() {
      if (event.on) state.typing.set(event.id, Date.now()); else state.typing.delete(event.id);
      showTyping();
    },
    pong() { trip(performance.now() - Number(event.ref.slice(5))); },
    refused: hearRefusal,
  }[event.type];
  heard?.(event);
}

function hearWelcome(event) {
  const again = state.epoch !== 0;
  if (event.epoch !== state.epoch) state.last = 0; // another server: its messages are numbered anew
  if (again && event.epoch !== state.epoch) note("The server was restarted");
  state.epoch = event.epoch;
  state.me = event.you;
  state.author = event.you.author;
  state.refusal = "";
  state.limits = event.limits;
  state.people = new Map(event.members.map((member) => [member.id, member.name]));
  line.attempt = 0;
  showLine("open", "online");
  $("room").textContent = event.room;
  $("my-name").textContent = event.you.name;
  paintAvatar($("my-avatar"), event.you.name);
  showPeople();
  for (const message of event.history) hearMessage(message, false);
  for (const [ref, { text }] of state.pending) line.send({ type: "say", text, ref });
  toEnd();
  line.send({ type: "ping", ref: `ping ${performance.now()}` });
  showTitle();
}

function hearMessage(message, isNew) {
  if (message.number <= state.last) return;
  state.last = message.number;
  state.typing.delete(message.from.id);
  showTyping();
  const mine = message.from.author === state.author;
  const waiting = mine && state.pending.get(message.ref);
  if (waiting) {
    state.pending.delete(message.ref);
    const took = performance.now() - waiting.at;
    if (isNew && !waiting.delayed) trip(took);
    waiting.element.dataset.sent = "yes";
    waiting.element.querySelector(".state").textContent = waiting.delayed ? "delivered" : milliseconds(took);
    return;
  }
  addMessage({ ...message, mine }, isNew);
  if (document.hidden && isNew) { state.unread += 1; showTitle(); }
}

function hearRefusal(event) {
  const waiting = state.pending.get(event.ref);
  if (waiting) {
    state.pending.delete(event.ref);
    waiting.element.dataset.sent = "refused";
    waiting.element.querySelector(".state").textContent = event.text;
    toEnd();
  } else {
    if (!state.me) state.refusal = event.text;
    banner(event.text);
  }
}

/* ---------------------------------------------------------------- what we say */

function say(text) {
  const ref = newName();
  const element = addMessage({ from: { name: state.name, author: state.author }, text, at: Date.now(), mine: true }, true);
  element.dataset.sent = "no";
  const sent = line.send({ type: "say", text, ref });
  element.querySelector(".state").textContent = sent ? "" : "waits for the connection";
  state.pending.set(ref, { text, element, at: performance.now(), delayed: !sent });
  toEnd();
}

const field = $("text");
let toldTyping = 0;

function fieldChanged() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
  const length = [...field.value.trim()].length;
  const left = state.limits.text - length;
  $("left").textContent = left < 200 ? left : "";
  $("left").classList.toggle("over", left < 0);
  $("send").disabled = length === 0 || left < 0;
  const now = Date.now();
  if (length && now - toldTyping > TYPING_EVERY) { toldTyping = now; line.send({ type: "typing", on: true }); }
  if (!length && toldTyping) { toldTyping = 0; line.send({ type: "typing", on: false }); }
}

field.addEventListener("input", fieldChanged);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text || $("send").disabled) return;
  toldTyping = 0; // the message itself ends the notice
  say(text);
  field.value = "";
  fieldChanged();
  field.focus();
});

/* ---------------------------------------------------------------- messages on the page */

const list = $("messages");
const scroller = $("scroller");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
let shownDay = "";

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

function addMessage({ from, text, at, mine }, isNew) {
  const atEnd = isAtEnd();
  const when = new Date(at);
  const day = calendar.format(when);
  if (day !== shownDay) { shownDay = day; list.append(element("li", "day", day)); }
  const previous = list.lastElementChild;
  const follows = previous?.classList.contains("message") && previous.dataset.from === from.author
    && at - Number(previous.dataset.at) < GROUP_WITHIN;
  const item = element("li", `message${mine ? " mine" : ""}${follows ? "" : " first"}${isNew ? " new" : ""}`);
  item.dataset.from = from.author;
  item.dataset.at = at;
  const time = element("time", "", clock.format(when));
  time.dateTime = when.toISOString();
  const name = element("b", "", from.name);
  name.dir = "auto";
  const bubble = element("div", "bubble", ...linked(text));
  bubble.dir = "auto";
  const avatar = element("span", "avatar");
  avatar.ariaHidden = "true";
  paintAvatar(avatar, from.name);
  item.append(element("div", "who", name, time), ...(mine ? [] : [avatar]), bubble, element("span", "state"));
  list.append(item);
  while (list.childElementCount > MOST_SHOWN) list.firstElementChild.remove();
  if (atEnd) toEnd(); else if (isNew && !mine) showNewer(1);
  return item;
}

function note(text) {
  const atEnd = isAtEnd();
  list.append(element("li", "event", text));
  while (list.childElementCount > MOST_SHOWN) list.firstElementChild.remove();
  if (atEnd) toEnd();
}

function noteMove(text) { if (state.people.size <= MOST_NOTED) note(text); }

/* Text stays text: addresses become links, and nothing else is ever taken for markup. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}])/).map((part, index) => {
    if (index % 2 === 0) return part;
    const link = element("a", "", part);
    link.href = part;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  });
}

function isAtEnd() { return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60; }
function toEnd() { scroller.scrollTop = scroller.scrollHeight; showNewer(0); }

let newer = 0;
function showNewer(more) {
  newer = more ? newer + more : 0;
  $("newer").hidden = newer === 0;
  $("newer").textContent = `${newer} new ${newer === 1 ? "message" : "messages"}`;
}
scroller.addEventListener("scroll", () => { if (newer && isAtEnd()) showNewer(0); }, { passive: true });
$("newer").onclick = () => { toEnd(); field.focus(); };
new ResizeObserver(() => { if (!newer) scroller.scrollTop = scroller.scrollHeight; }).observe(scroller);

/* ---------------------------------------------------------------- people, rooms, the line */

function paintAvatar(target, name) {
  let hash = 7;
  for (const letter of name) hash = (hash * 131 + letter.codePointAt(0)) % 100003;
  target.style.setProperty("--hue", (hash * 137) % 360);
  const words = name.split(" ").filter(Boolean);
  target.textContent = words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
}

function showPeople() {
  const names = [...state.people].sort((a, b) => (b[0] === state.me?.id) - (a[0] === state.me?.id) || a[1].localeCompare(b[1]));
  $("people").replaceChildren(...names.slice(0, MOST_PEOPLE).map(([id, name]) => {
    const avatar = element("span", "avatar");
    avatar.ariaHidden = "true";
    paintAvatar(avatar, name);
    const item = element("li", "", avatar, element("span", "label", name));
    item.title = name;
    if (id === state.me?.id) item.append(element("em", "", "you"));
    return item;
  }));
  if (names.length > MOST_PEOPLE) $("people").append(element("li", "more", `and ${names.length - MOST_PEOPLE} more`));
  $("people-count").textContent = names.length || "";
  $("summary").textContent = names.length === 0 ? "" : names.length === 1 ? "only you" : `${names.length} people`;
}

function showRooms(rooms) {
  if (!rooms.some((room) => room.name === state.room)) rooms = [...rooms, { name: state.room, people: 0 }];
  $("rooms").replaceChildren(...rooms.map(({ name, people }) => {
    const count = element("span", "count", people || "");
    count.ariaLabel = `${people} people`;
    const link = element("a", "", element("span", "label", name), count);
    link.href = `#${encodeURIComponent(name)}`;
    link.title = name;
    if (name === state.room) link.ariaCurrent = "page";
    return element("li", "", link);
  }));
}

function showTyping() {
  const names = [...state.typing.keys()].map((id) => state.people.get(id)).filter(Boolean);
  $("typing").textContent = names.length === 0 ? ""
    : names.length === 1 ? `${names[0]} is writing…`
      : names.length === 2 ? `${names[0]} and ${names[1]} are writing…` : `${names.length} people are writing…`;
}
setInterval(() => {
  const old = Date.now() - 2 * TYPING_EVERY;
  for (const [id, at] of state.typing) if (at < old) { state.typing.delete(id); showTyping(); }
}, 500);

function milliseconds(value) { return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`; }

function trip(took) {
  state.trips = [...state.trips.slice(-29), took];
  const top = Math.max(...state.trips, 1);
  const step = 60 / 29;
  const first = 30 - state.trips.length;
  $("spark").firstElementChild.setAttribute("points", state.trips.map((value, index) => `${((first + index) * step).toFixed(1)},${(19 - 17 * value / top).toFixed(1)}`).join(" "));
  showLine("open", milliseconds(took));
}

function showLine(how, text) {
  $("line").dataset.state = how;
  $("latency").textContent = text;
  if (how === "open") { clearInterval(counting); $("banner").hidden = true; }
}

let counting = 0;
function countDown(until) {
  clearInterval(counting);
  const show = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    if (line.attempt > 1 || state.refusal) banner(`${state.refusal || "The connection is lost."} Trying again${seconds > 1 ? ` in ${seconds} s` : ""}…`);
  };
  counting = setInterval(show, 500);
  show();
}

function banner(text) {
  if ($("banner-text").textContent !== text) $("banner-text").textContent = text;
  $("retry").hidden = line.socket !== null;
  $("banner").hidden = false;
}

function showTitle() {
  document.title = `${state.unread ? `(${state.unread}) ` : ""}#${state.room} · Chat`;
}

/* ---------------------------------------------------------------- coming in, moving about */

function comeIn() {
  $("welcome-room").textContent = `#${state.room}`;
  $("name").value = state.name;
  $("welcome").showModal();
  $("name").select();
}

$("enter").addEventListener("submit", () => {
  const name = $("name").value.trim();
  if (!name) return;
  state.name = name;
  remember("name", name);
  enterRoom();
});
$("welcome").addEventListener("cancel", (event) => { if (!state.name) event.preventDefault(); });
$("welcome").addEventListener("close", () => field.focus());
$("rename").onclick = () => { showSide(false); comeIn(); };

function enterRoom() {
  state.me = null;
  state.epoch = 0;
  state.last = 0;
  state.people.clear();
  state.typing.clear();
  state.pending.clear();
  shownDay = "";
  list.replaceChildren();
  $("room").textContent = state.room;
  line.attempt = 0;
  line.open();
  showTitle();
  showSide(false);
}

addEventListener("hashchange", () => {
  state.room = roomInAddress();
  if (!state.name) { $("welcome-room").textContent = `#${state.room}`; return; }
  enterRoom();
  field.focus();
});

$("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("room-name").value.trim();
  if (!name) return;
  $("room-name").value = "";
  location.hash = encodeURIComponent(name);
});

const narrow = matchMedia("(max-width: 760px)");
function showSide(open) {
  const was = root.dataset.side === "open";
  root.dataset.side = open ? "open" : "closed";
  $("open-side").ariaExpanded = String(open);
  if (open) $("close-side").focus();
  else if (was && narrow.matches) $("open-side").focus();
}
$("open-side").onclick = () => showSide(true);
$("close-side").onclick = $("shade").onclick = () => showSide(false);

addEventListener("keydown", (event) => {
  if ($("welcome").open) return;
  const writing = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName);
  if (event.key === "Escape") {
    if (root.dataset.side === "open" && narrow.matches) showSide(false);
    else if (writing) { document.activeElement.blur(); scroller.focus(); }
  } else if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
  }
});

/* ---------------------------------------------------------------- light and dark */

const THEMES = { auto: "as the system", light: "light", dark: "dark" };

function showTheme(choice) {
  if (!(choice in THEMES)) choice = "auto";
  root.dataset.choice = choice;
  if (choice === "auto") delete root.dataset.theme; else root.dataset.theme = choice;
  $("theme").ariaLabel = $("theme").title = `Colours: ${THEMES[choice]}`;
}
$("theme").onclick = () => {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(root.dataset.choice) + 1) % names.length];
  remember("theme", next);
  showTheme(next);
};

showTheme(remembered("theme"));
showRooms([]);
fieldChanged();
if (state.name) { enterRoom(); field.focus(); } else { comeIn(); }
