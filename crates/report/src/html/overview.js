// The first tab, what was covered, and what is printed.

// Where it is no news that something was written there.
const SINKS = new Set(["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"]);
const isChanged = (f) => (f.created || f.writes || f.changes) && !SINKS.has(f.path);

function box(title, rows, empty) {
  const body = rows.length ? el("table", {}, ...rows.map((cells) => el("tr", {}, ...cells))) : el("p.dim", {}, empty);
  return el("section.box", {}, el("h2", {}, title), body);
}
const th = (text) => el("th", {}, text);
const td = (...content) => el("td", {}, ...content);
const amount = (text) => el("td.num", {}, text);

const FAILED = "calls that failed";

function overviewView(app) {
  const m = app.model;
  const written = [...m.files.values()].filter(isChanged);
  const lost = Object.values(m.run.end?.ledger?.lost || {}).reduce((sum, n) => sum + n, 0);
  const card = (count, what, tab, bad) => el("button.card", { type: "button", onclick: () => ((app.failures = what === FAILED), app.go(tab)) }, el(bad ? "b.bad" : "b", {}, number(count)), el("span", {}, what));
  const cards = el("div.cards", {}, card(m.watched, "processes", "processes"), card(m.files.size, "files", "files"), card(written.length, "files changed", "files"), card(m.hosts.size, "hosts", "hosts"),
    card(m.talks.size, "TLS conversations", "talks"), card(m.secrets.length, "secrets seen", "secrets", m.secrets.length > 0), card(m.alerts.length, "alerts and denials", "alerts", m.alerts.length > 0), card(m.failures, FAILED, "timeline"), card(lost, "events lost", "coverage", lost > 0));
  return { scrolls: true, nodes: [cards, el("div.halves", {}, ...summaries(app, 8))], search: () => app.query && app.go("timeline") };
}

function summaries(app, most) {
  const m = app.model;
  const top = (items, weight) => [...items].sort((a, b) => weight(b) - weight(a)).slice(0, most);
  const changed = top([...m.files.values()].filter(isChanged), (f) => f.written + f.changes);
  const hosts = top(m.hosts.values(), (h) => h.sent + h.received + h.contacts);
  const execs = m.run.records.filter((r) => r.kind === "process_exec");
  const rank = (r) => SEVERITIES.indexOf(severityOf(r));
  const gravest = [...m.alerts].sort((a, b) => rank(a) - rank(b)).slice(0, most);
  const open = (record) => () => recordDetail(app, record);
  return [
    box("Alerts", gravest.map((r) => [el("th.short", {}, severity(severityOf(r))), td(link(brief(object(r)), open(r)))]), "None."),
    box("Secrets", m.secrets.slice(0, most).map((r) => [th(clean(r.rule)), td(link(`${way(r)} ${clean(r.path ?? r.remote ?? `fd ${r.fd}`)}`, open(r)))]), "None were seen."),
    box("Programs", execs.slice(0, most).map((r) => [th(`${r.proc?.pid ?? ""} ${clean(r.proc?.comm ?? "")}`), td(link(brief(object(r)), open(r)))]), "None was executed."),
    box("Hosts", hosts.map((h) => [td(clean(h.name ?? h.remote)), amount(h.sent + h.received ? `${bytes(h.sent)} sent, ${bytes(h.received)} received` : h.contacts ? plural(h.contacts, "contact", "contacts") : `${number(h.failures)} failed`)]), "Nobody was talked to."),
    box("Files changed", changed.map((f) => [td(clean(f.path)), amount(f.deleted ? "deleted" : f.written ? bytes(f.written) : f.created ? "created" : "changed")]), "None."),
    ledgerBox(m.run.end),
  ];
}

function ledgerBox(end) {
  const ledger = end?.ledger;
  if (!ledger) return box("Account", [], "This run was cut off: it has no account, and its last records may be missing.");
  const lost = Object.entries(ledger.lost).filter(([, n]) => n > 0);
  const sum = lost.reduce((all, [, n]) => all + n, 0);
  const piece = (count, color) => {
    const part = el("i");
    part.style.flex = String(count);
    part.style.background = `var(--${color})`;
    return count ? part : null;
  };
  const rows = [[th("seen"), td(number(ledger.seen))], [th("told"), td(number(ledger.emitted))], [th("used or set aside"), td(number(ledger.filtered))], [th("lost"), td(el(sum ? "span.bad" : "span", {}, sum ? lost.map(([cause, n]) => `${clean(cause)} ${number(n)}`).join(", ") : "nothing"))]];
  if (end.left_out) rows.push([th("not in this page"), td(`${number(end.left_out)} records more than a page holds; keep them with --db`)]);
  const node = box("Account", rows, "");
  node.insertBefore(el("div.ledger", { role: "img", "aria-label": `${ledger.emitted} told, ${ledger.filtered} set aside, ${sum} lost` }, piece(ledger.emitted, "net"), piece(ledger.filtered, "line"), piece(sum, "bad")), node.lastChild);
  node.append(el(ledger.closes ? "p.good" : "p.bad", {}, ledger.closes ? "It closes: seen = told + set aside + lost." : "It does not close: something is missing that nobody counted."));
  return node;
}

const STATES = { attached: "good", idle: "dim", partial: "warn", blind: "bad" };
const STATE_WORDS = { attached: "attached", idle: "attached, nothing to see", partial: "in part", blind: "blind" };
const stateOf = (state) => el(`span.${STATES[state] || "dim"}`, {}, STATE_WORDS[state] || clean(state));

function coverageBoxes(end) {
  const coverage = end?.coverage;
  if (!coverage) return [];
  const order = ["blind", "partial", "attached", "idle"];
  const hooks = [...coverage.hooks].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return [
    box(`Hooks: ${clean(coverage.backend)}${coverage.why ? ` (${clean(coverage.why)})` : ""}`, hooks.map((h) => [th(clean(h.name)), td(...(h.tier === "observe" ? [el("span.warn", {}, "told, not enforced")] : [stateOf(h.state), el("span.dim", {}, ` by ${clean(h.tier)}`)]), h.why ? el("div.dim", {}, clean(h.why)) : "")]), "None."),
    box("TLS, process by process", coverage.tls.map((t) => [th(`${t.pid} ${clean(t.exe)}`), td(stateOf(t.state), el("span.dim", {}, ` ${clean(t.library)}`), t.why ? el("div.dim", {}, clean(t.why)) : "")]), "No process spoke TLS that was looked at."),
  ];
}

const coverageView = (app) => ({ scrolls: true, nodes: [el("div.halves", {}, ledgerBox(app.model.run.end), ...coverageBoxes(app.model.run.end))], search: () => {} });

// Paper has no tabs: a part of everything, one below the other.
function fillPrint(app) {
  $("print").replaceChildren(...summaries(app, 60), ...coverageBoxes(app.model.run.end));
}
