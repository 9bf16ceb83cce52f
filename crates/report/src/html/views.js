// The tabs that are lists.

const names = (procs) => [...new Set([...procs].map((p) => clean(p.comm)))].slice(0, 4).join(", ") + (procs.size > 4 ? ` +${procs.size - 4}` : "");
const asWords = (text) => ({ text: () => text.toLowerCase(), hasField: (name, value) => text.toLowerCase().includes(value) });

// A view of things that are counted once: columns, items, and the text that each is found by.
function tableView(app, { label, columns, items, words, open, empty }) {
  const found = () => (app.query ? items.filter((item) => app.test(asWords(words(item)))) : items);
  const told = el("span.said", {});
  const tell = (shown) => told.replaceChildren(`${number(shown.length)} of ${number(items.length)}`);
  const rows = list({ label, columns, items: found(), open, empty });
  tell(rows.items);
  return { nodes: [el("div.bar", {}, el("span.grow"), told), rows.node], list: rows, search: () => (rows.show(found()), tell(rows.items)) };
}

const FAMILIES = [["process", "Processes"], ["file", "Files read"], ["change", "Files changed"], ["net", "Network and messages"], ["content", "Finds"]];
const KNOWN = new Set(FAMILIES.map(([name]) => name));

function timelineView(app) {
  const chips = FAMILIES.map(([name, title]) => chip(title, app.families.has(name), (on) => (on ? app.families.add(name) : app.families.delete(name), search())));
  const noise = chip("Mappings and closes", app.noise, (on) => ((app.noise = on), search()));
  const failed = chip("Failures only", app.failures, (on) => ((app.failures = on), search()));
  const told = el("span.said", {});
  const strip = el("canvas.strip", { tabIndex: 0, role: "slider", "aria-label": "Where in the run", title: "Records over time; click to go there" });
  const rows = list({
    label: "Records", items: [], open: (record) => recordDetail(app, record), empty: "No record is like that.",
    columns: [
      { title: "time (s)", width: "84px", class: "right.dim", wide: true, cell: (r) => offset(r.t) },
      { title: "pid", width: "62px", class: "right.dim", wide: true, cell: (r) => (r.proc ? String(r.proc.pid) : "") },
      { title: "name", width: "minmax(60px, 8%)", narrow: "56px", class: "name", cell: (r) => clean(r.proc?.comm ?? "") },
      { title: "what", width: "62px", narrow: "56px", cell: (r) => el(`span.k-${family(r)}`, {}, verb(r)) },
      { title: "object", width: "minmax(0, 1fr)", cell: object },
      { title: "result", width: "minmax(56px, 15%)", narrow: "54px", cell: (r) => el(isFailure(r) || r.code || r.signal ? "span.bad" : "span.dim", {}, result(r)) },
    ],
  });
  // What is of no family is always shown.
  const wanted = (r) => (app.families.has(family(r)) || !KNOWN.has(family(r))) && (app.noise || !isNoise(r)) && (!app.failures || isFailure(r)) && (!app.query || app.test(asked(r)));
  function search() {
    const records = app.model.run.records.filter(wanted);
    rows.show(records);
    told.replaceChildren(`${number(records.length)} of ${number(app.model.run.records.length)} records`);
    drawStrip(strip, records, app.model.last);
  }
  const go = (share) => {
    const at = rows.items.findIndex((r) => r.t >= share * app.model.last);
    if (at >= 0) rows.reveal(rows.items[at]);
    strip.setAttribute("aria-valuenow", Math.round(share * 100));
  };
  strip.addEventListener("click", (event) => go(event.offsetX / strip.clientWidth));
  let share = 0;
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 0.02, ArrowLeft: -0.02 }[event.key];
    if (step) event.preventDefault(), event.stopPropagation(), go((share = Math.max(0, Math.min(1, share + step))));
  });
  new ResizeObserver(() => drawStrip(strip, rows.items, app.model.last)).observe(strip);
  search();
  return { nodes: [el("div.bar", { role: "group", "aria-label": "What to show" }, ...chips, noise, failed, el("span.grow"), told), strip, rows.node], list: rows, search };
}

function chip(title, on, act) {
  const button = el("button.chip", { type: "button", "aria-pressed": on }, title);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", now);
    act(now);
  });
  return button;
}

// How many records of each family there are in each part of the run.
function drawStrip(canvas, records, last) {
  const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  if (!width || !last) return;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const parts = Math.max(1, Math.floor(width / 5));
  const order = FAMILIES.map(([name]) => name);
  const counts = new Float64Array(parts * order.length);
  for (const r of records) {
    const part = Math.min(parts - 1, Math.max(0, Math.floor((r.t / last) * parts)));
    counts[part * order.length + Math.max(0, order.indexOf(family(r)))]++;
  }
  const total = (part) => counts.subarray(part * order.length, (part + 1) * order.length).reduce((sum, n) => sum + n, 0);
  let top = 1;
  for (let part = 0; part < parts; part++) top = Math.max(top, total(part));
  const colors = getComputedStyle(document.documentElement);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  for (let part = 0; part < parts; part++) {
    // By the square root: a burst does not hide what is rare.
    let bottom = height;
    const sum = total(part);
    const tall = Math.sqrt(sum / top) * (height - 6);
    order.forEach((name, at) => {
      const share = sum ? (counts[part * order.length + at] / sum) * tall : 0;
      pen.fillStyle = colors.getPropertyValue(`--${name}`);
      pen.fillRect(part * 5, bottom - share, 4, share);
      bottom -= share;
    });
  }
}

function processView(app) {
  const m = app.model;
  const flat = () => {
    const out = [];
    const walk = (process, depth) => {
      process.depth = depth;
      if (!app.query || app.test(asWords(`${process.pid} ${process.comm} ${commandOf(process)}`))) out.push(process);
      if (process.open || app.query) for (const child of process.children) walk(child, depth + 1);
    };
    for (const root of m.tree) walk(root, 0);
    return out;
  };
  const turn = (process, open) => {
    if (!process.children.length || process.open === open) return false;
    process.open = open;
    rows.refresh(flat());
    return true;
  };
  const name = (p) => el(p.ancestor ? "span.dim" : "span", {}, "  ".repeat(Math.min(p.depth, 24)), el("span.twist", {}, p.children.length ? (p.open ? "▾" : "▸") : ""), commandOf(p));
  const track = (p) => {
    const bar = el("i");
    const [from, to] = [Math.max(0, p.start), p.end ?? m.last];
    bar.style.left = `${(from / (m.last || 1)) * 100}%`;
    bar.style.width = `${(Math.max(0, to - from) / (m.last || 1)) * 100}%`;
    return el("div.track", {}, bar);
  };
  const ended = (p) => (p.end === null ? "" : p.signal !== null ? el("span.bad", {}, `signal ${p.signal}`) : el(p.code ? "span.bad" : "span.dim", {}, String(p.code)));
  const rows = list({
    label: "Processes", items: flat(), open: (process) => processDetail(app, process),
    keys: (event, process) => (event.key === "ArrowRight" ? turn(process, true) || true : event.key === "ArrowLeft" ? turn(process, false) || true : false),
    columns: [
      { title: "command", width: "minmax(0, 3fr)", cell: name },
      { title: "pid", width: "66px", class: "right.dim", wide: true, cell: (p) => String(p.pid) },
      { title: "records", width: "72px", class: "right.dim", wide: true, cell: (p) => number(p.records) },
      { title: "ended", width: "72px", class: "right", cell: ended },
      { title: "lived", width: "84px", class: "right.dim", wide: true, cell: (p) => duration((p.end ?? m.last) - Math.max(0, p.start)) },
      { title: "when", width: "minmax(0, 1fr)", cell: track },
    ],
  });
  rows.box.addEventListener("dblclick", () => rows.at >= 0 && turn(rows.items[rows.at], !rows.items[rows.at].open));
  const all = (open) => () => {
    for (const process of m.processes.values()) process.open = open;
    rows.show(flat());
  };
  const bar = el("div.bar", {}, el("button.chip", { type: "button", onclick: all(true) }, "Open all"), el("button.chip", { type: "button", onclick: all(false) }, "Close all"), el("span.grow"), el("span.said", {}, plural(m.watched, "process", "processes")));
  return { nodes: [bar, rows.node], list: rows, search: () => rows.show(flat()) };
}

const num = (title, get, width = "84px") => ({ title, width, class: "right.dim", wide: true, cell: (item) => (get(item) ? String(get(item)) : "") });

function fileView(app) {
  const weight = (f) => (f.created || f.writes || f.changes ? 1e15 : 0) + f.read + f.written + f.reads;
  const items = [...app.model.files.values()].sort((a, b) => weight(b) - weight(a));
  const did = (f) => [f.created ? "created" : f.writes ? "written" : "", f.deleted ? "deleted" : f.changes ? "changed" : "", f.failures ? "failed" : ""].filter(Boolean).join(", ");
  return tableView(app, {
    label: "Files", items, words: (f) => `${f.path} ${names(f.procs)} ${did(f)}`, empty: "No file is like that.",
    open: (f) => placeDetail(app, clean(f.path), [["opened for reading", f.reads], ["for writing", f.writes], ["read", bytes(f.read)], ["written", bytes(f.written)], ["by", names(f.procs)]], app.model.run.records.filter((r) => r.path === f.path && r.kind.startsWith("file_"))),
    columns: [
      { title: "path", width: "minmax(0, 1fr)", cell: (f) => clean(f.path) },
      { title: "", width: "150px", narrow: "84px", cell: (f) => el(f.created || f.writes || f.changes ? "span.k-change" : "span.bad", {}, did(f)) },
      num("opened", (f) => f.reads + (f.reads ? 0 : f.writes)), num("read", (f) => f.read && bytes(f.read)), num("written", (f) => f.written && bytes(f.written)),
      { title: "by", width: "minmax(0, 190px)", wide: true, cell: (f) => names(f.procs) },
    ],
  });
}

function hostView(app) {
  const items = [...app.model.hosts.values()].sort((a, b) => b.sent + b.received - a.sent - a.received || b.contacts - a.contacts);
  for (const host of items) host.name ??= app.model.names?.get(ipOf(host.remote));
  return tableView(app, {
    label: "Hosts", items, words: (h) => `${h.name ?? ""} ${h.remote} ${h.proto} ${names(h.procs)}`, empty: "Nobody was talked to.",
    open: (h) => placeDetail(app, clean(h.name ?? h.remote), [["address", clean(h.remote)], ["protocol", clean(h.proto)], ["sent", bytes(h.sent)], ["received", bytes(h.received)], ["by", names(h.procs)]], app.model.run.records.filter((r) => r.remote === h.remote && r.kind !== "tls_data")),
    columns: [
      { title: "name", width: "minmax(0, 1fr)", cell: (h) => clean(h.name ?? "") || el("span.dim", {}, "no name was asked for") },
      { title: "address", width: "minmax(0, 1fr)", cell: (h) => `${clean(h.proto)} ${clean(h.remote)}` },
      num("contacts", (h) => h.contacts), { title: "failed", width: "70px", class: "right.bad", cell: (h) => (h.failures ? String(h.failures) : "") },
      num("sent", (h) => h.sent && bytes(h.sent)), num("received", (h) => h.received && bytes(h.received)),
      { title: "by", width: "minmax(0, 190px)", wide: true, cell: (h) => names(h.procs) },
    ],
  });
}

function talkView(app) {
  const items = [...app.model.talks.values()];
  const asked = (t) => t.messages.filter((r) => r.message === "request").map((r) => `${clean(r.method)} ${clean(r.path)}`);
  return tableView(app, {
    label: "Conversations", items, words: (t) => `${t.remote} ${t.host ?? ""} ${t.library} ${asked(t).join(" ")} ${t.parts.map((r) => r.data).join(" ")}`, open: (t) => talkDetail(app, t), empty: "Nothing was said through TLS, or it was not seen: the coverage says which.",
    columns: [
      { title: "time (s)", width: "84px", class: "right.dim", wide: true, cell: (t) => offset(t.start) },
      { title: "with", width: "minmax(0, 1fr)", cell: (t) => clean(t.host ?? t.remote ?? `connection ${t.conn}`) },
      { title: "asked", width: "minmax(0, 1.4fr)", cell: (t) => asked(t).join("; ") },
      num("sent", (t) => bytes(t.sent)), num("received", (t) => bytes(t.received)),
      { title: "secrets", width: "64px", class: "right.bad", cell: (t) => (t.secrets ? String(t.secrets) : "") },
      { title: "by", width: "minmax(0, 170px)", wide: true, cell: (t) => (t.process ? `${t.process.pid} ${clean(t.process.comm)}` : "") },
    ],
  });
}

const severity = (word) => el(`span.severity.${/^(critical|high|medium|low|info)$/.test(word) ? word : "info"}`, {}, clean(word ?? "info"));

// A denial has no severity of its own: what was stopped was meant to be.
const severityOf = (r) => (r.kind === "policy_deny" ? (r.enforced ? "high" : "medium") : r.severity ?? "info");
const SEVERITIES = ["critical", "high", "medium", "low", "info"];

function secretView(app) {
  return tableView(app, {
    label: "Secrets", items: app.model.secrets, words: (r) => object(r) + (r.proc?.comm ?? ""), open: (r) => recordDetail(app, r), empty: "Nothing was found: either there was nothing, or no rules were asked for (--rules).",
    columns: [
      { title: "time (s)", width: "84px", class: "right.dim", wide: true, cell: (r) => offset(r.t) },
      { title: "severity", width: "86px", narrow: "72px", cell: (r) => severity(r.severity) },
      { title: "rule", width: "minmax(0, 190px)", narrow: "minmax(0, 0.7fr)", cell: (r) => clean(r.rule) },
      { title: "where", width: "minmax(0, 1fr)", cell: (r) => `${way(r)} ${clean(r.path ?? r.remote ?? `fd ${r.fd}`)}` },
      { title: "secret", width: "minmax(0, 220px)", wide: true, cell: (r) => clean(r.redacted) },
      { title: "by", width: "minmax(0, 150px)", wide: true, cell: (r) => `${r.proc?.pid ?? ""} ${clean(r.proc?.comm ?? "")}` },
    ],
  });
}

function alertView(app) {
  return tableView(app, {
    label: "Alerts", items: app.model.alerts, words: (r) => `${r.kind} ${object(r)} ${r.proc?.comm ?? ""}`, open: (r) => recordDetail(app, r), empty: "No alert, and nothing that a policy denies.",
    columns: [
      { title: "time (s)", width: "84px", class: "right.dim", wide: true, cell: (r) => offset(r.t) },
      { title: "severity", width: "86px", narrow: "72px", cell: (r) => severity(severityOf(r)) },
      { title: "rule", width: "minmax(0, 230px)", narrow: "minmax(0, 0.8fr)", cell: (r) => clean(r.rule) },
      { title: "what", width: "minmax(0, 1fr)", cell: (r) => (r.kind === "policy_deny" ? `${r.enforced ? "denied" : "not denied, only seen"}: ${denied(r)}` : clean(r.message)) },
      { title: "by", width: "minmax(0, 150px)", wide: true, cell: (r) => `${r.proc?.pid ?? ""} ${clean(r.proc?.comm ?? "")}` },
    ],
  });
}
