// A list of any length: only the rows that are in view are in the page.

const ROW_PX = 26;
const SPARE = 12;

// columns: {title, width, narrow: the width in a narrow list, cell(item) -> text or node, class, wide: not in narrow lists};
// open(item): Enter or a click; keys(event, item): others. How narrow a list is the style sheet decides, by the list's own width.
function list({ label, columns, items, open, keys, empty }) {
  const kind = (c) => `${c.class || "text"}${c.wide ? ".wide" : ""}`;
  const box = el("div.list", { tabIndex: 0, role: "listbox", "aria-label": label });
  const space = el("div");
  const heads = el("div.heads", { "aria-hidden": "true" }, ...columns.map((c) => el(`div.${kind(c)}`, {}, c.title)));
  box.append(space);
  const node = el("div.table", {}, heads, box);
  node.style.setProperty("--columns", columns.map((c) => c.width).join(" "));
  node.style.setProperty("--columns-narrow", columns.filter((c) => !c.wide).map((c) => c.narrow || c.width).join(" "));
  const self = { node, box, items: [], at: -1, rows: new Map() };

  self.show = (next) => {
    self.items = next;
    self.at = -1;
    for (const row of self.rows.values()) row.remove();
    self.rows.clear();
    space.style.height = `${next.length * ROW_PX}px`;
    box.scrollTop = 0;
    box.removeAttribute("aria-activedescendant");
    node.querySelector(".empty")?.remove();
    if (!next.length) box.append(el("div.empty", {}, empty || "Nothing here."));
    draw();
  };

  function draw() {
    const first = Math.max(0, Math.floor(box.scrollTop / ROW_PX) - SPARE);
    const last = Math.min(self.items.length, Math.ceil((box.scrollTop + (box.clientHeight || 900)) / ROW_PX) + SPARE);
    for (const [at, row] of self.rows) if (at < first || at >= last) row.remove(), self.rows.delete(at);
    for (let at = first; at < last; at++) if (!self.rows.has(at)) box.append(make(at));
  }

  function make(at) {
    const item = self.items[at];
    const cells = columns.map((c) => el(`div.${kind(c)}`, {}, c.cell(item)));
    const row = el("div.row", { role: "option", id: `row-${at}`, "aria-posinset": at + 1, "aria-setsize": self.items.length, "aria-selected": at === self.at }, ...cells);
    row.style.top = `${at * ROW_PX}px`;
    row.addEventListener("click", () => (pick(at), open?.(item)));
    self.rows.set(at, row);
    return row;
  }

  function pick(at) {
    self.rows.get(self.at)?.setAttribute("aria-selected", "false");
    self.at = Math.max(0, Math.min(self.items.length - 1, at));
    const top = self.at * ROW_PX;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW_PX - box.clientHeight;
    draw();
    self.rows.get(self.at)?.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", `row-${self.at}`);
  }

  // Puts an item in the middle.
  self.reveal = (item) => {
    const at = self.items.indexOf(item);
    if (at < 0) return false;
    box.scrollTop = at * ROW_PX - box.clientHeight / 2;
    pick(at);
    return true;
  };
  // Draws the rows anew, since the items have changed.
  self.refresh = (next) => {
    const [top, at] = [box.scrollTop, self.at];
    self.show(next);
    box.scrollTop = top;
    if (at >= 0) pick(at);
  };

  const page = () => Math.max(1, Math.floor(box.clientHeight / ROW_PX) - 1);
  const MOVES = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: page, PageUp: () => -page(), Home: () => -Infinity, End: () => Infinity };
  box.addEventListener("keydown", (event) => {
    if (!self.items.length || event.ctrlKey || event.altKey || event.metaKey) return;
    const move = MOVES[event.key];
    if (move) pick(self.at < 0 && event.key !== "End" ? 0 : self.at + move());
    else if ((event.key === "Enter" || event.key === " ") && self.at >= 0) open?.(self.items[self.at]);
    else if (!keys?.(event, self.items[self.at])) return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(box);
  self.show(items);
  return self;
}
