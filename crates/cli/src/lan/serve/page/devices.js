// The list: thousands of devices, of which only those in sight are in the page.
import { ago, bytes, clean, make, number, title } from "./words.js";
import { allDevices, go } from "./app.js";

const COLUMNS = [
  ["name", "Device", (one) => title(one).toLowerCase()],
  ["type", "What it is", (one) => one.type],
  ["vendor", "Maker", (one) => one.vendor ?? "\uffff"],
  ["ips", "Address", (one) => address(one.ips[0] ?? "")],
  ["sent", "Sent", (one) => -one.sent],
  ["received", "Received", (one) => -one.received],
  ["last", "Seen", (one) => -Date.parse(one.last)],
];
const kept = { search: "", sort: "last", reverse: false, only: "", scroll: 0, at: null };

/** Addresses in the order of their numbers. */
function address(text) {
  return text.split(".").map((part) => part.padStart(3, "0")).join(".");
}

export async function open(main) {
  const search = make("input", { type: "search", placeholder: "Search name, maker, address \u2026  ( / )", "aria-label": "Search", value: kept.search });
  const only = make("select", { "aria-label": "Which devices" },
    ...[["", "All devices"], ["online", "Online"], ["alerts", "With alerts"], ["unknown", "Unknown"], ["new", "New within a day"]]
      .map(([value, text]) => make("option", { value, selected: kept.only === value ? "" : null }, text)));
  // Where there are no heads to click on: on a phone.
  const order = make("select", { class: "order", "aria-label": "Sort by" }, ...COLUMNS.map(([value, text]) => make("option", { value }, text)));
  const turned = make("button", { type: "button", class: "order", "aria-label": "The other way round", onclick: () => sort(kept.sort) });
  const count = make("span", { class: "soft", role: "status" });
  const head = make("div", { class: "head" }, make("span"));
  const sky = make("div", { class: "window", tabindex: "0", role: "listbox", "aria-label": "Devices" });
  const space = make("div");
  sky.append(space);
  let all = [];
  let rows = [];
  const height = () => (innerWidth <= 900 ? 58 : 42);

  for (const [key, text] of COLUMNS) {
    const button = make("button", { type: "button", onclick: () => sort(key), class: key === "sent" || key === "received" || key === "last" ? "number" : null }, text);
    button.dataset.key = key;
    head.append(button);
  }
  function sort(key) {
    kept.reverse = kept.sort === key && !kept.reverse;
    kept.sort = key;
    arrange();
  }
  function arrange() {
    const words = kept.search.toLowerCase().split(/\s+/).filter(Boolean);
    const day = Date.now() - 86400000;
    rows = all.filter((one) => words.every((word) => one.text.includes(word))
      && (kept.only !== "online" || one.online) && (kept.only !== "alerts" || one.alerts)
      && (kept.only !== "unknown" || one.category === "unknown") && (kept.only !== "new" || Date.parse(one.first) > day));
    const by = COLUMNS.find(([key]) => key === kept.sort)[2];
    const turn = kept.reverse ? -1 : 1;
    rows.sort((a, b) => { const [x, y] = [by(a), by(b)]; return turn * (x < y ? -1 : x > y ? 1 : a.mac < b.mac ? -1 : 1); });
    for (const button of head.querySelectorAll("button")) {
      const mine = button.dataset.key === kept.sort;
      if (mine) button.setAttribute("aria-sort", kept.reverse ? "descending" : "ascending"); else button.removeAttribute("aria-sort");
      button.textContent = COLUMNS.find(([key]) => key === button.dataset.key)[1] + (mine ? (kept.reverse ? " \u2191" : " \u2193") : "");
    }
    order.value = kept.sort;
    turned.textContent = kept.reverse ? "\u2191" : "\u2193";
    count.textContent = rows.length === all.length ? `${number(all.length)} devices, ${number(all.filter((one) => one.online).length)} online` : `${number(rows.length)} of ${number(all.length)}`;
    draw();
  }
  function draw() {
    const tall = height();
    space.style.height = `${rows.length * tall}px`;
    const from = Math.max(0, Math.floor(sky.scrollTop / tall) - 6);
    const to = Math.min(rows.length, from + Math.ceil(sky.clientHeight / tall) + 12);
    const lines = [];
    for (let at = from; at < to; at += 1) lines.push(row(rows[at], at, tall));
    space.replaceChildren(...lines);
    if (!rows.length) space.replaceChildren(make("p", { class: "empty" }, all.length ? "No device is like that." : "No device was seen yet."));
  }
  function row(one, at, tall) {
    const line = make("div", { class: "row", role: "option", id: `row-${at}`, "aria-selected": String(one.mac === kept.at), onclick: () => choose(one) },
      make("i", { class: one.online ? "dot on" : "dot", title: one.online ? "online" : "offline" }),
      make("span", { class: "name", title: clean(one.name ?? "", 300) }, title(one)),
      make("span", { class: "kind" }, clean(one.type)),
      make("span", { class: "vendor soft" }, one.random ? "random address" : clean(one.vendor ?? "unknown maker")),
      make("span", { class: "ips mono", title: one.ips.join(" ") }, one.ips[0] ?? "", one.ips.length > 1 ? make("span", { class: "soft" }, ` +${one.ips.length - 1}`) : null),
      make("span", { class: "sum number" }, bytes(one.sent)),
      make("span", { class: "sum number received-sum" }, bytes(one.received)),
      make("span", { class: "last number soft" }, ago(one.last)));
    if (one.alerts) line.children[1].append(" ", make("span", { class: "tag high" }, `${one.alerts} alert${one.alerts > 1 ? "s" : ""}`));
    line.style.top = `${at * tall}px`;
    return line;
  }
  function choose(one) {
    kept.at = one.mac;
    kept.scroll = sky.scrollTop;
    go(`device/${one.mac}`);
  }
  function move(step) {
    let at = rows.findIndex((one) => one.mac === kept.at);
    at = Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step));
    if (!rows[at]) return;
    kept.at = rows[at].mac;
    const tall = height();
    if (at * tall < sky.scrollTop) sky.scrollTop = at * tall;
    if ((at + 1) * tall > sky.scrollTop + sky.clientHeight) sky.scrollTop = (at + 1) * tall - sky.clientHeight;
    draw();
    sky.setAttribute("aria-activedescendant", `row-${at}`);
  }
  async function load(answer) {
    all = (answer ?? await allDevices()).devices;
    for (const one of all)
      one.text = [one.name, one.type, one.category, one.vendor, one.mac, ...one.ips, ...one.roles].join(" ").toLowerCase();
    arrange();
  }

  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9, j: 1, k: -1 };
  sky.addEventListener("keydown", (event) => {
    if (event.key in steps) { move(steps[event.key]); event.preventDefault(); }
    const one = rows.find((row) => row.mac === kept.at);
    if (event.key === "Enter" && one) choose(one);
  });
  sky.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  search.addEventListener("input", () => { kept.search = search.value; sky.scrollTop = 0; arrange(); });
  search.addEventListener("keydown", (event) => { if (event.key === "ArrowDown" || event.key === "Enter") { sky.focus(); move(0); event.preventDefault(); } });
  only.addEventListener("change", () => { kept.only = only.value; sky.scrollTop = 0; arrange(); });
  order.addEventListener("change", () => { sky.scrollTop = 0; kept.sort = ""; sort(order.value); });
  addEventListener("resize", draw);
  await load();
  main.replaceChildren(make("div", { class: "bar" }, search, only, order, turned, count), make("section", { class: "card list" }, head, sky));
  sky.scrollTop = kept.scroll;
  draw();
  return { title: "Devices", update: load, leave: () => removeEventListener("resize", draw) };
}
