// Who talks to whom. Devices lie on rings, sorts beside each other, routers in the middle, the world outside: the same place every
// time, at once, for two or two thousand of them. A line is a talk, and the stronger the more was said.
import { bytes, clean, colour, isDark, make, number } from "./words.js";
import { get, go } from "./app.js";

export async function open(main) {
  const canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": "Map: arrow keys choose a device, Enter opens it, plus and minus zoom" });
  const tip = make("div", { class: "tip card", role: "status" });
  const legend = make("div", { class: "legend" });
  const search = make("input", { type: "search", placeholder: "Find a device  ( / )", "aria-label": "Find a device" });
  const count = make("span", { class: "soft", role: "status" });
  let graph = { points: [], lines: [], near: [] };
  const view = { x: 0, y: 0, scale: 1 };
  let chosen = -1;
  let hovered = -1;
  let queued = false;

  async function update() {
    const before = graph.points[chosen]?.id;
    graph = place(await get("map"));
    chosen = graph.points.findIndex((point) => point.id === before);
    const left = graph.left_out ? `, ${number(graph.left_out)} smaller ones left out` : "";
    count.textContent = `${number(graph.points.filter((point) => point.kind !== "remote").length)} devices, ${number(graph.lines.length)} lines${left}`;
    const sorts = [...new Set(graph.points.map((point) => point.kind))].slice(0, 14);
    legend.replaceChildren(...sorts.map((sort) => { const dot = make("i"); dot.style.background = colour(sort, isDark()); return make("span", {}, dot, sort === "remote" ? "elsewhere" : sort); }));
    draw();
  }
  function draw() {
    if (!queued) { queued = true; requestAnimationFrame(paint); }
  }
  function paint() {
    queued = false;
    const [wide, high, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
    if (!wide) return;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) { canvas.width = Math.round(wide * ratio); canvas.height = Math.round(high * ratio); }
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const dark = isDark();
    const unit = Math.min(wide, high) / 2.15 * view.scale;
    const at = (point) => [wide / 2 + (point.x + view.x) * unit, high / 2 + (point.y + view.y) * unit];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const focus = hovered >= 0 ? hovered : chosen;
    const line = (one, alpha, width) => {
      const [x1, y1] = at(graph.points[one.from]);
      const [x2, y2] = at(graph.points[one.to]);
      pen.globalAlpha = alpha; pen.lineWidth = width;
      pen.beginPath(); pen.moveTo(x1, y1); pen.quadraticCurveTo((x1 + x2) / 2 * .82 + wide / 2 * .18, (y1 + y2) / 2 * .82 + high / 2 * .18, x2, y2); pen.stroke();
    };
    pen.strokeStyle = dark ? "#5d7180" : "#9fb0bd";
    // The more lines there are the fainter each is, so that what stands out is what was said most.
    const faint = Math.min(1, Math.sqrt(200 / (graph.lines.length + 1))) * (focus >= 0 ? .4 : 1);
    for (const one of graph.lines) {
      const lumped = graph.points[one.to].id === "elsewhere" ? .15 : 1;
      line(one, (.12 + .75 * one.strength) * faint * lumped, .5 + 1.8 * one.strength * lumped);
    }
    pen.strokeStyle = style.getPropertyValue("--accent");
    if (focus >= 0) for (const one of graph.near[focus]) line(one, .85, 1 + 2.4 * one.strength);
    const near = focus >= 0 ? new Set(graph.near[focus].flatMap((one) => [one.from, one.to])) : null;
    const size = Math.max(2.2, Math.min(7, unit / Math.sqrt(graph.points.length + 20) / 4));
    for (let n = 0; n < graph.points.length; n += 1) {
      const point = graph.points[n];
      const [x, y] = at(point);
      pen.globalAlpha = near && !near.has(n) && n !== focus ? .28 : point.online ? 1 : .55;
      pen.fillStyle = colour(point.kind, dark);
      const radius = size * (point.router ? 2 : 1) * (n === focus ? 1.6 : 1);
      pen.beginPath();
      if (point.kind === "remote") pen.rect(x - radius * .8, y - radius * .8, radius * 1.6, radius * 1.6); else pen.arc(x, y, radius, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.font = `12px ${style.fontFamily}`;
    pen.textAlign = "center";
    pen.lineWidth = 3;
    pen.strokeStyle = style.getPropertyValue("--card");
    pen.fillStyle = style.getPropertyValue("--text");
    const named = graph.points.map((point, n) => n).filter((n) => n === focus || (near ? near.has(n) && near.size < 40 : graph.points[n].router || graph.points.length * 900 < unit * unit));
    for (const n of named.slice(0, 150)) {
      const [x, y] = at(graph.points[n]);
      const text = clean(graph.points[n].name, 26);
      pen.strokeText(text, x, y - size - 6);
      pen.fillText(text, x, y - size - 6);
    }
  }
  function find(event) {
    const box = canvas.getBoundingClientRect();
    const unit = Math.min(box.width, box.height) / 2.15 * view.scale;
    const x = (event.clientX - box.left - box.width / 2) / unit - view.x;
    const y = (event.clientY - box.top - box.height / 2) / unit - view.y;
    let [best, distance] = [-1, (14 / unit) ** 2];
    graph.points.forEach((point, n) => {
      const away = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (away < distance) [best, distance] = [n, away];
    });
    return best;
  }
  function tell(n) {
    const point = graph.points[n];
    if (!point) return tip.replaceChildren();
    const talks = graph.near[n].slice().sort((a, b) => b.bytes - a.bytes);
    const rows = talks.slice(0, 8).map((one) => {
      const other = graph.points[one.from === n ? one.to : one.from];
      return make("tr", {}, make("td", {}, clean(other.name, 40)), make("td", { class: "number" }, bytes(one.bytes)));
    });
    const name = make("b", {}, clean(point.name, 80));
    tip.replaceChildren(name, make("p", { class: "soft" }, point.kind === "remote" ? "elsewhere" : `${point.kind} \u00b7 ${point.id}`), make("table", {}, ...rows));
    if (talks.length > 8) tip.append(make("p", { class: "soft" }, `and ${talks.length - 8} more`));
    if (point.kind !== "remote") tip.append(make("a", { href: `#device/${point.id}` }, "Open"));
  }
  function choose(n) {
    chosen = n;
    tell(n);
    draw();
  }
  function zoom(factor) { view.scale = Math.max(.6, Math.min(14, view.scale * factor)); draw(); }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, moved: 0 }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const unit = Math.min(canvas.clientWidth, canvas.clientHeight) / 2.15 * view.scale;
      view.x += (event.clientX - drag.x) / unit; view.y += (event.clientY - drag.y) / unit;
      drag = { x: event.clientX, y: event.clientY, moved: drag.moved + Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) };
      return draw();
    }
    const n = find(event);
    if (n !== hovered) { hovered = n; tell(n >= 0 ? n : chosen); draw(); }
  });
  canvas.addEventListener("pointerup", (event) => { if (drag && drag.moved < 6) { canvas.focus(); choose(find(event)); } drag = null; });
  canvas.addEventListener("pointerleave", () => { hovered = -1; tell(chosen); draw(); });
  canvas.addEventListener("dblclick", () => { const point = graph.points[chosen]; if (point && point.kind !== "remote") go(`device/${point.id}`); });
  canvas.addEventListener("wheel", (event) => { zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15); event.preventDefault(); }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && graph.points.length) choose((chosen + step + graph.points.length) % graph.points.length);
    else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(.8);
    else if (event.key === "0") { Object.assign(view, { x: 0, y: 0, scale: 1 }); draw(); }
    else if (event.key === "Enter") { const point = graph.points[chosen]; if (point && point.kind !== "remote") go(`device/${point.id}`); }
    else return;
    event.preventDefault();
  });
  search.addEventListener("input", () => {
    const word = search.value.toLowerCase();
    choose(word ? graph.points.findIndex((point) => `${point.name} ${point.id} ${point.kind}`.toLowerCase().includes(word)) : -1);
  });
  const watch = new ResizeObserver(draw);
  watch.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", update);
  await update();
  main.replaceChildren(make("div", { class: "bar" }, search, make("button", { type: "button", onclick: () => zoom(1.25), "aria-label": "Zoom in" }, "+"), make("button", { type: "button", onclick: () => zoom(.8), "aria-label": "Zoom out" }, "\u2212"), count),
    make("section", { class: "card map" }, canvas, legend, tip));
  draw();
  return { title: "Map", update, leave: () => { watch.disconnect(); dark.removeEventListener("change", update); } };
}

/** Places for points, and how strong lines are. */
function place(map) {
  const points = map.points;
  const ring = (all, radius, from = 0) => all.forEach((point, n) => {
    const turn = from + 2 * Math.PI * n / Math.max(1, all.length);
    point.x = radius * Math.sin(turn); point.y = -radius * Math.cos(turn);
  });
  const routers = points.filter((point) => point.router);
  const remotes = points.filter((point) => point.kind === "remote");
  const rest = points.filter((point) => !point.router && point.kind !== "remote")
    .sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.name < b.name ? -1 : 1));
  ring(routers, routers.length > 1 ? .1 : 0);
  ring(remotes, 1);
  // As many rings as it takes; neighbours in the list stay neighbours.
  const rings = Math.max(1, Math.ceil(rest.length / 90));
  rest.forEach((point, n) => {
    const turn = 2 * Math.PI * n / Math.max(1, rest.length);
    const radius = rings === 1 ? .58 : .3 + .52 * (n % rings) / (rings - 1);
    point.x = radius * Math.sin(turn); point.y = -radius * Math.cos(turn);
  });
  const most = Math.log1p(Math.max(1, ...map.lines.map(([, , sum]) => sum)));
  const lines = map.lines.map(([from, to, sum]) => ({ from, to, bytes: sum, strength: (Math.log1p(sum) / most) ** 3 }));
  const near = points.map(() => []);
  for (const line of lines) { near[line.from].push(line); near[line.to].push(line); }
  return { points, lines, near, left_out: map.left_out };
}
