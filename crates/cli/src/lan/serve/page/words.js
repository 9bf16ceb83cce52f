// Small things that all views use. Text of strangers goes into the page as text only: nothing here makes markup of it.

/** An element: `make("p", {class: "soft"}, "text", other)`. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text without what would turn it round or hide it. */
export function clean(text, most = 200) {
  const plain = String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, "\ufffd");
  return plain.length > most ? plain.slice(0, most) + "\u2026" : plain;
}

export function bytes(count) {
  if (!count) return "0";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(count) / 3)));
  const value = count / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toPrecision(2)} ${units[power]}`;
}

export function number(count) {
  return Number(count ?? 0).toLocaleString("en");
}

/** How long ago, in words. */
export function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (!Number.isFinite(seconds)) return "";
  for (const [most, unit, word] of [[90, 1, "s"], [5400, 60, "min"], [129600, 3600, "h"], [Infinity, 86400, "d"]])
    if (seconds < most) return `${Math.max(1, Math.round(seconds / unit))} ${word} ago`;
}

export function when(time) {
  const date = new Date(time);
  return Number.isNaN(date.valueOf()) ? "" : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function title(device) {
  return clean(device.name || (device.type !== "unknown" && device.type) || device.vendor || device.mac, 90);
}

/** A stable colour for a sort of device. */
const SORTS = ["router", "computer", "phone", "camera", "plug", "lamp", "sensor", "printer", "media", "hub", "remote", "unknown"];
const HUES = [265, 210, 150, 350, 40, 60, 110, 185, 300, 20, 0, 0];
export function hue(sort) {
  const at = SORTS.indexOf(sort);
  if (at >= 0) return HUES[at];
  let sum = 0;
  for (const letter of sort) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}
export function colour(sort, dark) {
  if (sort === "unknown" || sort === "remote") return dark ? "#7b8a97" : "#8a97a3";
  return `hsl(${hue(sort)} ${dark ? "65% 62%" : "58% 42%"})`;
}

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
