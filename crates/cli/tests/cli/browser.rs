//! A headless Chromium, driven by its DevTools protocol through a pair of pipes. `cargo xtask bench page` uses this file as well.

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    visited: Option<Value>,
    script: Option<String>,
    last_id: u64,
}

impl Browser {
    /// Starts it, with its files in `dir`; `None`, said out loud, where there is no Chromium.
    pub(crate) fn start(dir: impl AsRef<Path>) -> Option<Self> {
        let dir = dir.as_ref();
        if Command::new("chromium").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: a page in a browser: not installed: chromium");
            return None;
        }
        let (into, out) = (dir.join("to-browser"), dir.join("from-browser"));
        mkfifo(&into, Mode::S_IRWXU).and_then(|()| mkfifo(&out, Mode::S_IRWXU)).expect("pipes");
        let script = "exec chromium --headless=new --no-sandbox --disable-gpu --no-first-run \
                      --user-data-dir=\"$0\" --remote-debugging-pipe about:blank 3<\"$1\" 4>\"$2\"";
        let child = Command::new("/bin/sh")
            .args(["-c", script])
            .args([&dir.join("profile"), &into, &out])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        // Each open waits for the other end.
        let to = OpenOptions::new().write(true).open(into).expect("pipe");
        let from = BufReader::new(File::open(out).expect("pipe"));
        Some(Self { child, to, from, session: None, visited: None, script: None, last_id: 0 })
    }

    /// Opens a page with nothing else of it remembered; `features` as `prefers-color-scheme` takes them.
    pub(crate) fn open(&mut self, page: &Path, scheme: &str) {
        self.session = None;
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", json!({}));
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
        self.call("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        self.wait("document.documentElement?.dataset.ready !== undefined");
    }

    /// Opens a page of a server, and waits until an expression is true there.
    pub(crate) fn visit(&mut self, url: &str, ready: &str) {
        self.session = None;
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        // A page that listens keeps a connection, of which a browser has six to a host.
        if let Some(before) = self.visited.replace(target.clone()) {
            self.call("Target.closeTarget", json!({ "targetId": before }));
        }
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", json!({}));
        if let Some(script) = self.script.clone() {
            self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
        }
        self.call("Page.navigate", json!({ "url": url }));
        self.wait(ready);
    }

    /// Runs a script in every page of a server, before its own.
    pub(crate) fn first_run(&mut self, script: &str) {
        self.script = Some(script.to_owned());
    }

    /// Makes the page of this size, as a phone's or a desk's.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Types a text where the cursor is.
    pub(crate) fn insert(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// What an expression comes to.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.eval(&format!("Boolean({expression})")) != true {
            assert!(Instant::now() < until, "{expression} does not become true");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses and lets go of a key.
    pub(crate) fn key(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        self.call("Input.dispatchKeyEvent", json!({ "type": down, "key": key, "text": text }));
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }));
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser reads");
        loop {
            let mut bytes = Vec::new();
            let read = self.from.read_until(0, &mut bytes).expect("the browser answers");
            assert!(read > 0, "the browser is gone");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
            if answer["id"] == self.last_id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let bye = json!({ "id": 0, "method": "Browser.close" }).to_string() + "\0";
        // It may be gone already.
        let _ = self.to.write_all(bye.as_bytes());
        let _ = self.child.wait();
    }
}
