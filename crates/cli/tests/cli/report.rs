//! The page that `watch --report` writes, in a browser: whole, harmless, and quick enough.

#[path = "../../../report/examples/keep_speed/sample.rs"]
mod sample;

use crate::browser::Browser;
use crate::run::{Dir, refused, run, stderr, watch, watch_by_ebpf};
use kernscope_report::html::{About, Report};
use kernscope_report::{Coverage, End, Ledger, Summary};
use std::collections::HashSet;
use std::process::Command;

/// Names that would do harm in a page or on a terminal.
const HOSTILE: &str = r#"cd "$0" && touch '<img src=x onerror=document.title="owned">' "$(printf 'a\033[2Jb\nc\377')" \
    "$(printf '\342\200\256gpj.exe')" && /bin/true "</script><script>document.title='owned'</script>""#;

#[test]
fn a_page_shows_the_run_and_no_name_becomes_markup() {
    let dir = Dir::new("page");
    let Some(mut browser) = Browser::start(&dir) else { return };
    std::fs::create_dir(dir.path("work")).expect("mkdir");
    let page = dir.text("run.html");
    let output = watch(&["--report", &page], HOSTILE).arg(dir.text("work")).output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    browser.open(&dir.path("run.html"), "light");
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "light");
    assert_eq!(browser.eval("document.getElementById('state').textContent"), "account closes");
    for (at, tab) in
        ["overview", "timeline", "processes", "files", "hosts", "talks", "secrets", "alerts", "coverage"]
            .into_iter()
            .enumerate()
    {
        browser.key(&(at + 1).to_string());
        assert_eq!(browser.eval("document.querySelector('[role=tab][aria-selected=true]').dataset.tab"), tab);
        assert!(
            browser.eval("document.getElementById('panel').textContent.length").as_u64() > Some(0),
            "{tab}"
        );
        assert_eq!(browser.eval("document.images.length"), 0, "{tab}");
    }
    assert!(browser.eval("document.title").as_str().is_some_and(|title| title.starts_with("kernscope: ")));
    browser.key("4");
    let files =
        browser.eval("document.getElementById('panel').textContent").as_str().unwrap_or_default().to_owned();
    for shown in ["<img src=x onerror=", "a\\u{1b}[2Jb\\nc\\xff", "\\u{202e}gpj.exe"] {
        assert!(files.contains(shown), "{shown}: {files}");
    }
    browser.key("3");
    let processes = browser.eval("document.getElementById('panel').textContent");
    assert!(processes.as_str().is_some_and(|text| text.contains("</script><script>")), "{processes}");
    // What is not of the page does not run, nor can it ask for anything.
    browser.eval(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=\\'owned\\'\">')",
    );
    browser.eval("new Promise((go) => setTimeout(go, 200))");
    assert_ne!(browser.eval("document.title"), "owned");
    let asked = browser.eval("fetch('file:///etc/hostname').then(() => 'got it', () => 'refused')");
    assert_eq!(asked, "refused");
}

#[test]
fn a_page_is_used_by_keyboard_and_searched() {
    let dir = Dir::new("page-keys");
    let Some(mut browser) = Browser::start(&dir) else { return };
    let page = dir.text("run.html");
    let output = watch(&["--report", &page], "cat /etc/hostname /nothing; exit 0").output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    browser.open(&dir.path("run.html"), "dark");
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "dark");
    browser.key("t");
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "light");
    browser.key("2");
    browser.key("/");
    assert_eq!(browser.eval("document.activeElement.id"), "search");
    for letter in "kind:file_open nothing".chars() {
        browser.key(&letter.to_string());
    }
    browser.wait("document.querySelectorAll('.row').length === 1");
    browser.key("Enter");
    browser.key("ArrowDown");
    assert_eq!(browser.eval("document.querySelector('.row[aria-selected=true]').id"), "row-0");
    assert_eq!(browser.eval("document.activeElement.getAttribute('aria-activedescendant')"), "row-0");
    browser.key("Enter");
    let detail = browser.eval("document.getElementById('detail').textContent");
    assert!(
        detail.as_str().is_some_and(|text| text.contains("ENOENT") && text.contains("raw_path")),
        "{detail}"
    );
    browser.key("Escape");
    assert_eq!(browser.eval("document.getElementById('detail').hidden"), true);
    browser.key("Escape");
    browser.wait("document.querySelectorAll('.row').length > 5");
    // A process is closed and opened by the arrows.
    browser.key("3");
    browser.eval("document.querySelector('.list').focus()");
    let rows = browser.eval("document.querySelectorAll('.row').length");
    browser.key("Home");
    browser.key("ArrowLeft");
    assert_eq!(browser.eval("document.querySelectorAll('.row').length"), 1);
    browser.key("ArrowRight");
    assert_eq!(browser.eval("document.querySelectorAll('.row').length"), rows);
}

/// Says lines of JSON through a pipe, makes names, is refused a connection.
const MIXED: &str = r#"cd "$0" && printf '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"look"}}\n' | cat > said
    mkfifo pipe; ln -s said link; cat link /nothing; (exec 3<>/dev/tcp/127.0.0.1/9); rm pipe; true"#;

#[test]
fn each_kind_of_record_is_in_the_timeline_and_found_by_its_name() {
    let dir = Dir::new("page-kinds");
    let Some(mut browser) = Browser::start(&dir) else { return };
    std::fs::create_dir(dir.path("work")).expect("mkdir");
    let options = ["--stdio", "--no-tls", "--report", &dir.text("run.html")];
    let command = ["bash", "-c", MIXED, &dir.text("work")];
    let Some((_, records)) = watch_by_ebpf(&dir, &options, &command) else { return };
    browser.open(&dir.path("run.html"), "light");
    browser.key("2");
    // What repeats, as well.
    browser.eval("[...document.querySelectorAll('.chip')].find((chip) => chip.textContent.startsWith('Mappings')).click()");
    let told = browser.eval("document.querySelector('.said').textContent");
    let count = records.len() - 2;
    assert_eq!(told, format!("{count} of {count} records"), "coverage and ledger are elsewhere");
    let kinds: HashSet<_> = records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert!(["stdio", "file_mknod", "net_connect"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    for kind in kinds.into_iter().filter(|kind| !["coverage", "ledger"].contains(kind)) {
        let rows = browser.eval(&asked(kind, "document.querySelectorAll('.row').length"));
        assert!(rows.as_u64() > Some(0), "{kind}");
    }
    let row = browser.eval(&asked("stdio", "document.querySelector('.row').textContent"));
    assert!(row.as_str().is_some_and(|row| row.contains("request tools/call #7")), "{row}");
}

/// What an expression comes to once a kind is searched for: the page waits for 120 ms, and timers come in their order.
fn asked(kind: &str, expression: &str) -> String {
    format!(
        "(async () => {{ const search = document.getElementById('search'); search.value = 'kind:{kind}'; \
         search.dispatchEvent(new Event('input')); await new Promise((go) => setTimeout(go, 150)); return {expression}; }})()"
    )
}

#[test]
fn a_hundred_thousand_records_are_a_few_megabytes_of_which_only_some_rows_are_drawn() {
    const COUNT: u64 = 100_000;
    let dir = Dir::new("page-large");
    let Some(mut browser) = Browser::start(&dir) else { return };
    let page = dir.path("run.html");
    large(&page, COUNT);
    let bytes = std::fs::metadata(&page).expect("there").len();
    assert!(bytes < 100 * COUNT, "{bytes} bytes");
    browser.open(&page, "light");
    let ready_ms = browser.eval("Number(document.documentElement.dataset.ready)");
    eprintln!("{COUNT} records, {bytes} bytes: ready after {ready_ms} ms");
    browser.key("2");
    browser.wait("document.querySelectorAll('.row').length > 5");
    assert!(browser.eval("document.querySelectorAll('.row').length").as_u64() < Some(200));
    browser.eval("document.querySelector('.list').focus()");
    browser.key("End");
    assert_eq!(
        browser.eval("document.querySelector('.row[aria-selected=true]').id"),
        format!("row-{}", COUNT - 1)
    );
    let searched = "(() => { const from = performance.now(); const search = document.getElementById('search'); \
                    search.value = 'lib4242.rlib'; search.dispatchEvent(new Event('input')); return from; })()";
    browser.eval(searched);
    browser.wait("document.querySelector('.said').textContent === '20 of 100,000 records'");
}

/// A page of so many opened files.
fn large(page: &std::path::Path, count: u64) {
    let text = str::to_owned;
    let about =
        About { what: text("make"), offset_ns: 0, host: text("h"), kernel: text("6"), version: text("0") };
    let mut report = Report::start(page, about).expect("start").patient();
    for n in 0..count {
        report.take(sample::open(n));
    }
    let ledger = Ledger { seen: count, emitted: count, ..Default::default() }.close();
    let (summary, coverage) = (Summary::default(), Coverage::default());
    let end = End { ts_ns: count * 10_000, summary: &summary, coverage: &coverage, ledger: &ledger };
    assert_eq!(report.finish(&end).expect("finish").emitted, count);
}

#[test]
fn a_kept_session_becomes_the_same_page_and_a_wrong_place_is_refused_first() {
    let dir = Dir::new("page-kept");
    let (db, page) = (dir.text("records.db"), dir.text("run.html"));
    let marker = dir.text("marker");
    refused(&["watch", "--report", "/nowhere/run.html", "--", "touch", &marker], "make its directory first");
    assert!(!dir.path("marker").exists(), "a wrong name does not cost a started command");
    let output = watch(&["--db", &db], "true").output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let output = run(&["show", "1", "--db", &db, "--report", &page]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
    let Some(mut browser) = Browser::start(&dir) else { return };
    browser.open(&dir.path("run.html"), "light");
    assert!(browser.eval("document.getElementById('what').textContent").as_str() == Some("/bin/sh -c true"));
    assert_eq!(browser.eval("document.getElementById('state').textContent"), "account closes");
}

#[test]
fn a_full_disk_costs_the_page_and_not_the_run() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    }
    let dir = Dir::new("page-full");
    let (mount, list) = (dir.text("mount"), dir.text("list"));
    std::fs::create_dir(&mount).expect("mkdir");
    let program = env!("CARGO_BIN_EXE_kernscope");
    let script = format!(
        "mount -t tmpfs -o size=16k none {mount} || exit 99
         {program} watch --backend ptrace --report {mount}/run.html -- /bin/sh -c 'exit 6'
         status=$?; ls -A {mount} > {list}; exit $status"
    );
    let output = Command::new("unshare").args(["--mount", "/bin/sh", "-c", &script]).output().expect("runs");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert_eq!(said.matches("No space left on device").count(), 1, "{said}");
    assert_eq!(std::fs::read_to_string(dir.path("list")).expect("read"), "", "nothing is left there");
}
