// Views by the fragment of the address, data from /api, and a stream that says when there is more.
import { make, number } from "./words.js";
import * as devices from "./devices.js";
import * as detail from "./detail.js";
import * as map from "./map.js";
import * as traffic from "./traffic.js";
import * as alerts from "./alerts.js";

const VIEWS = { devices, device: detail, map, traffic, alerts };
const main = document.getElementById("main");
let state = { live: false, may_write: false };
let shown = null;
let token = null;

/** Takes the token out of the address before anybody sees it there, and shows it to the server once. */
async function handOver() {
  const found = /^#token=([\w.-]+)$/.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", location.pathname + "#devices");
  token = found[1];
  const answer = await fetch("/api/login", { method: "POST", headers: { authorization: `Bearer ${token}` } });
  token = null;
  if (!answer.ok) toast("The token in the address is not the right one.");
}

/** What the server knows at a path. */
export async function get(path) {
  const answer = await fetch(`/api/${path}`, { cache: "no-store" });
  if (answer.status === 401) throw new Error("locked");
  if (!answer.ok) throw new Error((await answer.text()).trim() || `the server says ${answer.status}`);
  return answer.json();
}

/** The devices: as many as there are is a lot to ask for, so that those who show them share an answer. */
let list = null;
export async function allDevices() {
  list = await get("devices");
  return list;
}

/** Says something of an alert. */
export async function say(id, word) {
  const answer = await fetch(`/api/alert/${encodeURIComponent(id)}`, { method: "POST", body: word });
  if (answer.status === 401) return toast("Open the page by the address with the token, as the server prints it, to do that.");
  if (!answer.ok) return toast((await answer.text()).trim());
  await refresh();
}

export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, 6000);
}

export const mayWrite = () => state.may_write;
export function go(hash) { location.hash = hash; }

function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return { name: name in VIEWS ? name : "devices", rest: rest.map(decodeURIComponent) };
}

async function show() {
  const { name, rest } = route();
  const key = [name, ...rest].join("/");
  shown?.leave?.();
  shown = null;
  for (const link of document.querySelectorAll("nav a"))
    if (link.hash === `#${name}` || (name === "device" && link.hash === "#devices")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  main.replaceChildren(make("p", { class: "empty" }, "\u2026"));
  try {
    const view = await VIEWS[name].open(main, rest);
    if (key !== [route().name, ...route().rest].join("/")) return view?.leave?.();
    shown = view;
    document.title = `${view.title ?? name} \u2013 kernscope lan`;
  } catch (problem) {
    main.replaceChildren(locked(problem));
  }
}

function locked(problem) {
  const text = problem.message === "locked"
    ? "A token is needed here: open the page by the address that the server prints, with #token= and the token."
    : `That did not work: ${problem.message}`;
  return make("p", { class: "empty card" }, text);
}

/** Brings the heads up to date, and the view; `first`: that was drawn a moment ago. */
async function refresh(first = false) {
  try {
    state = await get("state");
    if (!first || !list) await allDevices();
    const open = list.devices.reduce((sum, device) => sum + device.alerts, 0);
    document.getElementById("count-devices").textContent = number(list.total);
    const badge = document.getElementById("count-alerts");
    badge.textContent = open ? number(open) : "";
    badge.className = open ? "bad" : "";
    tell(state.live ? "live" : "", state.live ? "live" : "from the database");
    if (!first) await shown?.update?.(list);
  } catch (problem) {
    tell("", problem.message === "locked" ? "locked" : "no answer");
  }
}

function tell(name, words) {
  const line = document.getElementById("state");
  line.className = name;
  line.replaceChildren(make("i"), make("span", { title: state.database ?? "" }, words));
}

/** Listens while somebody looks: a browser has six connections to a host, for all its tabs. */
function listen() {
  let events = null;
  let waiting = null;
  const turn = () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (!events) {
      events = new EventSource("/api/events");
      events.addEventListener("changed", () => {
        waiting ??= setTimeout(() => { waiting = null; refresh(); }, 400);
      });
    }
  };
  document.addEventListener("visibilitychange", turn);
  turn();
}

addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName);
  if (event.key === "Escape") {
    if (typing) document.activeElement.blur();
    else if (route().name === "device") go("devices");
  } else if (!typing && event.key === "/") {
    document.querySelector("input[type=search]")?.focus();
    event.preventDefault();
  } else if (!typing && "1234".includes(event.key)) {
    go(["devices", "map", "traffic", "alerts"][event.key - 1]);
  }
});

await handOver();
await show();
await refresh(true);
listen();
