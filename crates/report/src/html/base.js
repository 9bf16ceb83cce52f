// Small things that everything else is made of. Text from records gets into the page as text nodes alone.

const $ = (id) => document.getElementById(id);

// An element: tag.class, properties, children (texts are text nodes).
function el(what, properties, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "role") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Characters that steer, hide or reorder text, as on a terminal: escaped, so that no name poses as another.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const escaped = (c) => ESCAPES[c] || `\\u{${c.codePointAt(0).toString(16)}}`;
const clean = (text) => String(text ?? "").replace(UNSAFE, escaped);
// The same for text of several lines.
const cleanLines = (text) => String(text ?? "").replace(UNSAFE, (c) => (c === "\n" || c === "\t" ? c : escaped(c)));

const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
const number = (n) => Number(n).toLocaleString("en-US");

function bytes(n) {
  if (n === null || n === undefined) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) (n /= 1024), unit++;
  return unit === 0 ? `${n} B` : `${n.toFixed(n < 10 ? 1 : 0)} ${units[unit]}`;
}

function duration(ns) {
  if (ns < 1e6) return `${Math.round(ns / 1e3)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(1)} ms`;
  if (ns < 60e9) return `${(ns / 1e9).toFixed(2)} s`;
  const minutes = Math.floor(ns / 60e9);
  return minutes < 60 ? `${minutes} m ${Math.round((ns % 60e9) / 1e9)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

// Since the run began.
const offset = (ns) => (ns / 1e9).toFixed(6);

// Of a command that fills a page, its beginning.
const BRIEF_MAX = 140;
const brief = (text) => (text.length > BRIEF_MAX ? `${text.slice(0, BRIEF_MAX)} …` : text);

// An argument vector as a shell would take it.
const command = (argv) =>
  (argv || []).map((arg) => (/^[\w@%+=:,./^-]+$/.test(arg) ? arg : `'${clean(arg).replaceAll("'", "'\\''")}'`)).join(" ");

// What a map holds for a key; made when it is asked for first.
function entry(map, key, make) {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

const later = (ms, act) => {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), ms);
  };
};
