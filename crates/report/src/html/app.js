// Ties it together: tabs, search, keys, theme.

const TABS = [
  ["overview", "Overview", overviewView, () => ""], ["timeline", "Timeline", timelineView, (m) => m.run.records.length], ["processes", "Processes", processView, (m) => m.watched],
  ["files", "Files", fileView, (m) => m.files.size], ["hosts", "Hosts", hostView, (m) => m.hosts.size], ["talks", "Conversations", talkView, (m) => m.talks.size],
  ["secrets", "Secrets", secretView, (m) => m.secrets.length], ["alerts", "Alerts", alertView, (m) => m.alerts.length], ["coverage", "Coverage", coverageView, () => ""],
];
const ALARMS = ["secrets", "alerts"];

const app = { model: null, view: null, tab: "", query: "", test: () => true, families: new Set(FAMILIES.map(([name]) => name)), noise: false, failures: false };

app.go = (name) => {
  app.tab = name;
  history.replaceState(null, "", `#${name}`);
  for (const tab of $("tabs").children) {
    const on = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    if (on) $("panel").setAttribute("aria-labelledby", tab.id), tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  app.view = TABS.find(([id]) => id === name)[2](app);
  $("panel").classList.toggle("scrolls", Boolean(app.view.scrolls));
  $("panel").replaceChildren(...app.view.nodes);
};

app.ask = (text) => {
  app.query = text.trim();
  app.test = question(app.query);
  app.view?.search();
};
// The timeline with this question alone.
app.only = (text) => {
  [app.noise, app.failures, app.families] = [true, false, new Set(FAMILIES.map(([name]) => name))];
  $("search").value = text;
  app.query = text;
  app.test = question(text);
  app.go("timeline");
};
app.reveal = (record) => {
  app.only("");
  app.view.list.reveal(record);
  app.view.list.box.focus();
};

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "Light" : "Dark";
  if (app.tab === "timeline") app.view.search();
}
const otherTheme = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

function tabs() {
  $("tabs").replaceChildren(...TABS.map(([id, title, , count]) => {
    const n = count(app.model);
    const told = n === "" ? null : el(ALARMS.includes(id) && n ? "span.count.alarm" : "span.count", {}, number(n));
    const tab = el("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": "panel", onclick: () => app.go(id) }, title, told);
    tab.dataset.tab = id;
    return tab;
  }));
  $("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = TABS.findIndex(([id]) => id === app.tab);
    const next = TABS[(at + step + TABS.length) % TABS.length][0];
    app.go(next);
    $(`tab-${next}`).focus();
    event.preventDefault();
  });
}

function facts() {
  const { about, end } = app.model.run;
  $("what").textContent = clean(about.what);
  document.title = `kernscope: ${clean(about.what).slice(0, 80)}`;
  const backend = end?.coverage?.backend;
  $("facts").textContent = [clean(about.started?.slice(0, 19).replace("T", " ")) + " UTC", duration(app.model.last), clean(about.host), `kernel ${clean(about.kernel)}`, backend ? `back end ${clean(backend)}` : "", `kernscope ${clean(about.version)}`].filter(Boolean).join(" · ");
  // Not what kernscope does by itself: whoever is given the page should know.
  $("unredacted").hidden = !end?.coverage?.hooks.some((h) => h.name === "redaction" && h.state === "blind");
  const ledger = end?.ledger;
  $("state").className = ledger?.closes ? "good" : "bad";
  $("state").textContent = ledger ? (ledger.closes ? "account closes" : "account does not close") : "cut off";
}

const KEYS = { "/": () => $("search").focus(), t: otherTheme, "?": () => $("keys").showModal() };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("keys").open) return;
  if (event.key === "Escape") {
    if (!$("detail").hidden) return closeDetail();
    $("search").value = "";
    return app.ask("");
  }
  if (event.target === $("search")) {
    if (event.key === "Enter" || event.key === "ArrowDown") app.view.list?.box.focus(), event.preventDefault();
    return;
  }
  const act = KEYS[event.key] || (/^[1-9]$/.test(event.key) ? () => app.go(TABS[event.key - 1][0]) : null);
  if (act) act(), event.preventDefault();
});

async function start() {
  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  $("theme").addEventListener("click", otherTheme);
  $("help").addEventListener("click", () => $("keys").showModal());
  $("search").addEventListener("input", later(120, () => app.ask($("search").value)));
  app.model = model(await load($("data")));
  tabs();
  facts();
  const wanted = location.hash.slice(1);
  app.go(TABS.some(([id]) => id === wanted) ? wanted : "overview");
  addEventListener("beforeprint", () => fillPrint(app));
  document.documentElement.dataset.ready = Math.round(performance.now());
}

start().catch((error) => {
  $("state").className = "bad";
  $("state").textContent = "not readable";
  $("panel").replaceChildren(el("p.empty", {}, `This page cannot be read: ${error.message}. Was it cut off, or is the browser too old?`));
});
