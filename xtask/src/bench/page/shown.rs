//! The page in a browser: how long until it can be read, and how long each thing takes that a user does then.

#[path = "../../../../crates/cli/tests/cli/browser.rs"]
#[expect(dead_code, reason = "tests use the rest of it")]
mod browser;

use super::Args;
use crate::bench::median;
use anyhow::{Context, Result, bail};
use browser::Browser;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What stands in the docs as the goal.
const GOAL_MS: f64 = 2_000.0;

/// Notes when the first row is there, and every task of more than 50 ms.
const BEFORE: &str = "
  window.longTasks = [];
  new PerformanceObserver((list) => { for (const one of list.getEntries()) window.longTasks.push(one.duration); })
    .observe({ type: 'longtask', buffered: true });
  const look = () => {
    if (document.querySelector('.row')) requestAnimationFrame(() => { window.shownAt ??= performance.now(); });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  // Until what was done is on the screen: the frame after the one in which it is in the page.
  window.timed = async (act, done) => {
    const from = performance.now();
    act();
    for (let n = 0; n < 3000; n += 1) {
      await new Promise(requestAnimationFrame);
      if (done()) break;
    }
    await new Promise(requestAnimationFrame);
    return performance.now() - from;
  };
";

/// What a user does: a name, what to do, how to see that it is done.
const ACTS: [(&str, &str, &str); 9] = [
    (
        "sort by name",
        "document.querySelector('[data-key=name]').click()",
        "document.querySelector('[data-key=name][aria-sort]')",
    ),
    (
        "sort by bytes",
        "document.querySelector('[data-key=sent]').click()",
        "document.querySelector('[data-key=sent][aria-sort]')",
    ),
    (
        "search",
        "{ const box = document.querySelector('input[type=search]'); box.value = 'plug'; box.dispatchEvent(new Event('input')); }",
        "document.querySelector('[role=status].soft').textContent.includes(' of ')",
    ),
    (
        "search, cleared",
        "{ const box = document.querySelector('input[type=search]'); box.value = ''; box.dispatchEvent(new Event('input')); }",
        "!document.querySelector('[role=status].soft').textContent.includes(' of ')",
    ),
    (
        "one device",
        "location.hash = 'device/00:17:88:00:00:08'",
        "document.querySelector('.facts') && document.querySelector('canvas')",
    ),
    (
        "map",
        "location.hash = 'map'",
        "document.querySelector('.map canvas') && document.querySelector('.map canvas').width > 300",
    ),
    ("map, zoomed", "document.querySelector('[aria-label=\"Zoom in\"]').click()", "true"),
    (
        "traffic",
        "location.hash = 'traffic'",
        "document.querySelector('.meter') && document.querySelector('canvas')",
    ),
    ("alerts", "location.hash = 'alerts'", "document.querySelector('.alert')"),
];

/// Scrolls through the list; the longest time between two frames.
const SCROLL: &str = "(async () => {
  const list = document.querySelector('.window');
  let last = performance.now(), worst = 0;
  for (let n = 0; n < 60; n += 1) {
    list.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }
  return worst;
})()";

/// A server, ended with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait().map(drop));
    }
}

fn serve(kernscope: &Path, database: &Path) -> Result<(Server, String)> {
    let mut command = Command::new(kernscope);
    command.args(["lan", "serve", "--listen", "127.0.0.1:0", "--db"]).arg(database).stderr(Stdio::piped());
    let mut child = command.spawn().context("start kernscope lan serve")?;
    let said = child.stderr.take().context("its errors")?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line).context("read where the page is")?;
    let Some((_, rest)) = line.trim().split_once("http://") else {
        bail!("start kernscope lan serve: {line}")
    };
    let address = rest.split('/').next().unwrap_or_default().to_owned();
    Ok((server, format!("http://{address}/")))
}

/// The table of the page.
pub(super) fn measure(kernscope: &Path, dir: &Path, database: &Path, args: &Args) -> Result<String> {
    let Some(mut browser) = Browser::start(dir) else {
        return Ok("The page was not measured: there is no Chromium.\n".to_owned());
    };
    browser.first_run(BEFORE);
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut note = |name, ms: f64| match rows.iter_mut().find(|(known, _)| *known == name) {
        Some((_, all)) => all.push(ms),
        None => rows.push((name, vec![ms])),
    };
    for _ in 0..args.rounds {
        // A server of its own each time: nothing of the answers is kept from before.
        let (_server, url) = serve(kernscope, database)?;
        for name in ["opened, server just started", "opened again"] {
            browser.visit(&format!("{url}#devices"), "window.shownAt");
            note(name, browser.eval("window.shownAt").as_f64().unwrap_or(f64::NAN));
        }
        browser.wait("document.querySelector('#count-devices').textContent");
        note("scrolled: longest frame", browser.eval(SCROLL).as_f64().unwrap_or(f64::NAN));
        for (name, act, done) in ACTS {
            let script = format!("timed(() => {{ {act} }}, () => {{ return {done}; }})");
            note(name, browser.eval(&script).as_f64().unwrap_or(f64::NAN));
        }
        note(
            "longest task of all this",
            browser.eval("Math.max(0, ...window.longTasks)").as_f64().unwrap_or(f64::NAN),
        );
    }
    let mut text = format!(
        "{} devices, {} flows, {} rounds; until it is on the screen. Goal: opened within {GOAL_MS:.0} ms.\n\n| | median ms | worst ms |\n| --- | --- | --- |\n",
        args.devices, args.flows, args.rounds
    );
    for (name, all) in &rows {
        let worst = all.iter().copied().fold(0.0, f64::max);
        text += &format!("| {name} | {:.0} | {worst:.0} |\n", median(all));
    }
    Ok(text)
}
