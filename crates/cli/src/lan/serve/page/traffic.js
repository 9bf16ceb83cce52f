// How much was said in all, and by whom.
import { bytes, clean, make } from "./words.js";
import { get } from "./app.js";
import { plot } from "./plot.js";

let hours = 24;

export async function open(main) {
  let chart = null;
  const choice = make("select", { "aria-label": "How far back" }, ...[[6, "6 hours"], [24, "A day"], [72, "Three days"], [168, "A week"]]
    .map(([value, text]) => make("option", { value, selected: value === hours ? "" : null }, text)));
  async function update() {
    const answer = await get(`traffic?hours=${hours}`);
    chart?.leave();
    chart = plot(answer);
    const most = Math.max(1, ...answer.top.map((one) => one.sent + one.received));
    const rows = answer.top.map((one) => {
      const bar = make("i");
      bar.style.width = `${Math.max(1, 100 * (one.sent + one.received) / most)}%`;
      return make("tr", {}, make("td", {}, make("a", { href: `#device/${one.mac}` }, clean(one.name ?? one.mac, 60))),
        make("td", {}, make("div", { class: "meter" }, bar)), make("td", { class: "number" }, bytes(one.sent)), make("td", { class: "number" }, bytes(one.received)));
    });
    const table = rows.length ? make("table", {}, make("tr", {}, make("th", {}, "Device"), make("th", {}, "Share"), make("th", { class: "number" }, "Sent"), make("th", { class: "number" }, "Received")), ...rows)
      : make("p", { class: "soft" }, "Nothing was said within that time, or nothing of it is kept.");
    main.replaceChildren(make("div", { class: "bar" }, choice, make("span", { class: "soft" }, "back from the last traffic that is kept; each point is five minutes")),
      make("section", { class: "card" }, make("h2", {}, "All devices"), chart.element), make("section", { class: "card" }, make("h2", {}, "Who said most"), table));
  }
  choice.addEventListener("change", () => { hours = Number(choice.value); update(); });
  await update();
  return { title: "Traffic", update, leave: () => chart.leave() };
}
