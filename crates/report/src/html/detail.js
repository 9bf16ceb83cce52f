// What is known of one thing, at the side.

const SHOWN_MAX = 400;

function showDetail(title, ...parts) {
  const close = el("button", { type: "button", onclick: closeDetail, title: "Close (Esc)" }, "Close");
  $("detail").replaceChildren(el("div.top", {}, el("h2", {}, title), close), ...parts.filter(Boolean));
  $("detail").hidden = false;
  $("detail").scrollTop = 0;
}

function closeDetail() {
  $("detail").hidden = true;
  document.querySelector(".list")?.focus();
}

const pairs = (list) => el("dl", {}, ...list.filter(([, value]) => value !== "" && value !== null && value !== undefined).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
const link = (text, act) => el("button.link", { type: "button", onclick: act }, text);

// A list of the first of many.
function some(title, items, make) {
  if (!items.length) return null;
  const rest = items.length - SHOWN_MAX;
  return el("section", {}, el("h3", {}, `${title} (${number(items.length)})`),
    el("ul", {}, ...items.slice(0, SHOWN_MAX).map((item) => el("li", {}, make(item))), rest > 0 ? el("li.dim", {}, `and ${number(rest)} more`) : ""));
}

const recordLink = (app, record) => link(`#${record.seq} ${verb(record)} ${object(record).slice(0, 160)} ${result(record)}`.trim(), () => recordDetail(app, record));

const HIDDEN = new Set(["kind", "t", "p", "seq", "proc", "words", "escaped"]);
function fields(record) {
  const says = (name, value) => !HIDDEN.has(name) && (value !== null || record.kind !== "alert");
  return Object.entries(record).filter(([name, value]) => says(name, value)).map(([name, value]) => [name, fieldText(name, value)]);
}
function fieldText(name, value) {
  if (name === "data") return cleanLines(value);
  if (name === "argv" && Array.isArray(value)) return command(value);
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.length ? value.map((one) => clean(String(one))).join("\n") : "none";
  if (value !== null && typeof value === "object") return cleanLines(JSON.stringify(value, null, 1));
  return value === null ? "null" : clean(value);
}

function recordDetail(app, record) {
  const proc = record.proc;
  const who = proc ? [["process", link(`${proc.pid} ${clean(proc.comm)}`, () => app.only(`pid:${proc.pid}`))], ["thread", proc.tid], ["user", proc.uid], ["program", clean(proc.exe)]] : [];
  const evidence = (record.evidence || []).filter((item) => typeof item === "number").map((seq) => app.model.bySeq.get(seq)).filter(Boolean);
  showDetail(brief(`${verb(record)} ${object(record)}`),
    pairs([["record", `#${record.seq} ${record.kind}`], ["time", `${offset(record.t)} s`], ...who, ...fields(record), ["escaped", clean((record.escaped || []).join(", "))]]),
    some("Evidence", evidence, (item) => recordLink(app, item)),
    el("p", {}, link("Show it in the timeline", () => app.reveal(record))));
}

function processDetail(app, process) {
  const life = process.end === null ? "still there at the end" : `${duration(process.end - process.start)}`;
  const of = app.model.run.records.filter((record) => record.proc && record.proc.pid === process.pid);
  showDetail(`${process.pid} ${clean(process.comm)}`,
    pairs([["command", commandOf(process)], ["program", clean(process.exe)], ["parent", process.ppid], ["user", process.uid], ["lived", life],
      ["ended", process.end === null ? "" : process.signal !== null ? `by signal ${process.signal}` : `with ${process.code}`], ["records", number(process.records)]]),
    el("p", {}, link("Show its records in the timeline", () => app.only(`pid:${process.pid}`))),
    some("Programs", of.filter((r) => r.kind.startsWith("process_exec")), (r) => recordLink(app, r)),
    some("Files changed", of.filter((r) => family(r) === "change" && !isFailure(r)), (r) => recordLink(app, r)),
    some("Network", of.filter((r) => ["net_connect", "net_listen", "net_accept", "dns", "http"].includes(r.kind)), (r) => recordLink(app, r)));
}

function placeDetail(app, title, facts, records) {
  showDetail(title, pairs(facts), some("Records", records, (record) => recordLink(app, record)));
}

function talkDetail(app, talk) {
  const bubble = (r) => el(`div.said-by.${r.direction}`, {}, el("h4", {}, `${r.direction === "send" ? "sent" : "received"} ${bytes(r.len)} at ${offset(r.t)} s${r.truncated ? ", bytes before it are missing" : ""}`), el("pre", {}, cleanLines(r.data.slice(0, 8192)) + (r.data.length > 8192 ? " …" : "")));
  const rest = talk.parts.length - SHOWN_MAX;
  showDetail(`${clean(talk.host ?? talk.remote ?? `connection ${talk.conn}`)}`,
    pairs([["remote", clean(talk.remote)], ["library", clean(talk.library)], ["process", talk.process ? `${talk.process.pid} ${clean(talk.process.comm)}` : ""], ["sent", bytes(talk.sent)], ["received", bytes(talk.received)], ["secrets redacted", talk.secrets || ""]]),
    some("HTTP", talk.messages, (r) => recordLink(app, r)),
    talk.parts.length ? el("h3", {}, "What was said") : null,
    ...talk.parts.slice(0, SHOWN_MAX).map(bubble), rest > 0 ? el("p.dim", {}, `and ${number(rest)} parts more`) : null);
}
