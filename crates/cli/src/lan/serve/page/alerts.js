// What is wrong, and what is to be done about it.
import { ago, clean, make, number, when } from "./words.js";
import { get, mayWrite, say } from "./app.js";

let only = "open";

/** An alert; `whom`: name its device. */
export function line(alert, whom = true) {
  const done = alert.muted || alert.acknowledged;
  const act = (word, text) => make("button", { type: "button", class: "small", onclick: () => say(alert.id, word), title: mayWrite() ? null : "needs the token" }, text);
  const acts = done ? [act("open", "Reopen")] : [act("acknowledge", "Acknowledge"), act("mute", "Mute")];
  const device = alert.mac && alert.mac !== "00:00:00:00:00:00" && whom
    ? make("a", { href: `#device/${alert.mac}` }, clean(alert.name ?? alert.mac, 60)) : null;
  return make("article", { class: done ? "alert done" : "alert" },
    make("span", {}, make("span", { class: `tag ${alert.severity}` }, alert.severity)),
    make("div", {}, make("p", {}, clean(alert.message, 400)),
      make("p", { class: "soft" }, ...(device ? [device, " \u00b7 "] : []), `${alert.rule} \u00b7 `, make("time", { datetime: alert.last_seen, title: when(alert.last_seen) }, ago(alert.last_seen)),
        ` \u00b7 ${number(alert.count)} times${alert.muted ? " \u00b7 muted" : alert.acknowledged ? " \u00b7 acknowledged" : ""}`),
      make("ul", {}, ...alert.because.map((fact) => make("li", {}, clean(fact, 300))))),
    make("div", { class: "bar" }, ...acts));
}

export async function open(main) {
  const search = make("input", { type: "search", placeholder: "Search  ( / )", "aria-label": "Search" });
  const which = make("select", { "aria-label": "Which alerts" }, ...[["open", "Open"], ["all", "All"], ["high", "High, open"], ["muted", "Acknowledged or muted"]]
    .map(([value, text]) => make("option", { value, selected: value === only ? "" : null }, text)));
  const count = make("span", { class: "soft", role: "status" });
  const list = make("section", { class: "card" });
  let all = [];
  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isDone = (one) => one.muted || one.acknowledged;
    const rows = all.filter((one) => (only === "all" || (only === "muted") === isDone(one)) && (only !== "high" || one.severity === "high")
      && words.every((word) => `${one.message} ${one.rule} ${one.mac} ${one.name ?? ""}`.toLowerCase().includes(word)));
    count.textContent = `${number(rows.length)} of ${number(all.length)}`;
    list.replaceChildren(...(rows.length ? rows.slice(0, 300).map((one) => line(one)) : [make("p", { class: "empty" }, all.length ? "Nothing like that." : "Nothing was wrong so far.")]));
  }
  async function update() {
    all = (await get("alerts")).alerts;
    draw();
  }
  search.addEventListener("input", draw);
  which.addEventListener("change", () => { only = which.value; draw(); });
  await update();
  main.replaceChildren(make("div", { class: "bar" }, search, which, count), list);
  return { title: "Alerts", update };
}
