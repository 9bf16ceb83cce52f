// One device: what it is and why, whom it talks to, what was wrong, when it was there.
import { ago, bytes, clean, make, number, when } from "./words.js";
import { get, go } from "./app.js";
import { line } from "./alerts.js";
import { plot } from "./plot.js";

export async function open(main, [mac]) {
  if (!/^[0-9a-f:]{17}$/.test(mac ?? "")) throw new Error("that is no hardware address");
  let chart = null;
  async function update() {
    const answer = await get(`device/${mac}?hours=24`);
    chart?.leave();
    chart = plot(answer);
    main.replaceChildren(head(answer.device), make("div", { class: "columns" }, facts(answer.device), why(answer.device)),
      make("section", { class: "card" }, make("h2", {}, "Traffic within a day"), chart.element),
      make("div", { class: "columns" }, talks(answer.talks), make("div", { class: "columns" }, alerts(answer.alerts), runs(answer.runs))));
    return answer.device;
  }
  const device = await update();
  return { title: clean(device.hostname ?? device.device_type, 40), update, leave: () => chart.leave() };
}

function head(device) {
  return make("div", { class: "title" }, make("button", { type: "button", onclick: () => go("devices"), title: "Esc" }, "\u2190 Devices"),
    make("h2", {}, clean(device.hostname || (device.device_type !== "unknown" && device.device_type) || device.vendor || device.mac)),
    make("span", { class: "tag" }, device.online ? "online" : `seen ${ago(device.last_seen)}`),
    ...device.roles.map((role) => make("span", { class: "tag" }, role.replace("_", " "))));
}

function list(rows) {
  const facts = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function facts(device) {
  const sought = device.sought && `${number(device.sought.addresses)} addresses and ${number(device.sought.ports)} ports; in the busiest minute ${device.sought.addresses_a_minute} and ${device.sought.ports_a_minute}`;
  return make("section", { class: "card" }, make("h2", {}, "What it is"), list([
    ["type", `${clean(device.device_type)}${device.confidence ? ` (${Math.round(device.confidence * 100)} % sure)` : ""}`],
    ["sort", clean(device.category)], ["label", clean(device.label ?? "")], ["one of", clean((device.one_of ?? []).join(", "))], ["hardware address", make("span", { class: "mono" }, device.mac)],
    ["maker", device.mac_random ? "the address is made up" : clean(device.vendor ?? "unknown")], ["system", clean(device.os ?? "")], ["model", clean(device.model ?? "")],
    ["addresses", make("span", { class: "mono" }, device.ips.join("  "))],
    ["names", device.names.map((name) => `${clean(name.name)} (${name.via})`).join(", ")],
    ["sought", sought], ["frames", number(device.frames)], ["first seen", when(device.first_seen)], ["last seen", when(device.last_seen)],
    ["may be", device.same_as.map((other) => `${other.mac}: both have ${clean(other.because.join("; "))}`).join(", ")]]));
}

function why(device) {
  const rows = device.evidence.slice(0, 12).map((one) => {
    const bar = make("i");
    bar.style.width = `${Math.min(100, Math.round(one.weight * 100))}%`;
    return make("tr", {}, make("td", {}, clean(one.fact)), make("td", { class: "soft" }, clean(one.for ?? one.speaks_for)), make("td", {}, make("div", { class: "meter", title: one.weight.toFixed(2) }, bar)));
  });
  const body = rows.length ? make("div", { class: "scroll" }, make("table", {}, make("tr", {}, make("th", {}, "Seen"), make("th", {}, "Speaks for"), make("th", {}, "Weight")), ...rows))
    : make("p", { class: "soft" }, "Nothing that it showed says what it is.");
  return make("section", { class: "card" }, make("h2", {}, "Why"), body);
}

function talks(all) {
  const rows = all.map((talk) => make("tr", {},
    make("td", {}, talk.name ? make("a", { href: `#device/${talk.peer}` }, clean(talk.name, 60)) : clean(talk.peer, 60)),
    make("td", { class: "soft" }, talk.service), make("td", { class: "number" }, bytes(talk.sent)), make("td", { class: "number" }, bytes(talk.received))));
  return make("section", { class: "card" }, make("h2", {}, "Whom it talks to"), rows.length
    ? make("div", { class: "scroll" }, make("table", {}, make("tr", {}, make("th", {}, "Whom"), make("th", {}, "By"), make("th", { class: "number" }, "Sent"), make("th", { class: "number" }, "Received")), ...rows))
    : make("p", { class: "soft" }, "Nothing is kept of that."));
}

function alerts(all) {
  return make("section", { class: "card" }, make("h2", {}, "Alerts"), ...(all.length ? all.map((alert) => line(alert, false)) : [make("p", { class: "soft" }, "None.")]));
}

function runs(all) {
  const rows = all.map((run) => make("tr", {}, make("td", {}, when(run.first_seen), make("br"), make("span", { class: "soft" }, `to ${when(run.last_seen)}`)),
    make("td", { class: "mono" }, run.ips.slice(0, 2).join(" ")), make("td", { class: "soft" }, clean(run.source.split("/").pop(), 60)), make("td", { class: "number" }, number(run.frames))));
  return make("section", { class: "card" }, make("h2", {}, "When it was here"), make("div", { class: "scroll" }, make("table", {}, make("tr", {}, make("th", {}, "When"), make("th", {}, "Address"), make("th", {}, "Seen in"), make("th", { class: "number" }, "Frames")), ...rows)));
}
