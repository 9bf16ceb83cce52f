//! `kernscope lan serve`: who may have what, what a browser makes of hostile names, and clients that dawdle.

use crate::browser::Browser;
use crate::run::{Dir, kernscope, refused};
use kernscope_lan::store::Store;
use kernscope_report::{Alert, Device, DeviceName};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

const MAC: &str = "00:17:88:01:02:03";
const ALERT: &str = "00000000000000aa";
/// Names that want to be more than names.
const HOSTILE: [&str; 6] = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "\"><script>document.title='pwned'</script>",
    "\x1b[31mred\x1b]0;pwned\x07",
    "javascript:document.title='pwned'",
    "\u{202e}gnp.exe",
    "\\xff\\xfe\\x00",
];

/// A server, ended with this.
struct Server {
    child: Child,
    address: String,
    token: String,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let all = [&["lan", "serve", "--listen", "127.0.0.1:0"], args].concat();
        let mut child = kernscope(&all).stderr(Stdio::piped()).spawn().expect("kernscope runs");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        let (_, url) = line.trim().split_once("http://").expect(&line);
        let (address, token) = url.split_once("/#token=").expect(&line);
        Self { child, address: address.to_owned(), token: token.to_owned() }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        stream
    }

    /// Asks; status, head and body.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let host =
            headers.iter().find(|(name, _)| *name == "Host").map_or(self.address.as_str(), |(_, host)| host);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in headers.iter().filter(|(name, _)| *name != "Host") {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).expect("send");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(head);
        (status, head.to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> Value {
        let (status, head, body) = self.ask("GET", path, &[], "");
        assert_eq!(status, 200, "{path}: {head}");
        serde_json::from_str(&body).expect(&body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

/// A database of devices with hostile names, and an alert.
fn database(name: &str) -> Dir {
    let dir = Dir::new(name);
    let mut store = Store::create(&dir.path("lan.db")).expect("create");
    let long = "A".repeat(10_000);
    let names = HOSTILE.iter().copied().chain([long.as_str()]);
    let device = |(n, name): (usize, &str)| Device {
        mac: if n == 0 { MAC.to_owned() } else { format!("02:00:00:00:00:{n:02x}") },
        hostname: Some(name.to_owned()),
        names: vec![DeviceName { name: name.to_owned(), via: "dhcp".into() }],
        device_type: name.to_owned(),
        category: "unknown".into(),
        vendor: Some(name.to_owned()),
        first_seen: "2026-01-01T00:00:00.000000000Z".into(),
        last_seen: "2026-01-01T00:00:00.000000000Z".into(),
        source: "a.pcap".into(),
        ..Device::default()
    };
    store.put(&names.enumerate().map(device).collect::<Vec<_>>()).expect("put");
    let alert = Alert {
        rule: "beacon".into(),
        message: HOSTILE[0].into(),
        because: HOSTILE.iter().map(|name| (*name).to_owned()).collect(),
        id: ALERT.into(),
        mac: MAC.into(),
        last_seen: "2026-01-01T00:00:00.000000000Z".into(),
        ..Alert::default()
    };
    store.put_alerts(&[alert]).expect("put");
    dir
}

#[test]
fn the_page_is_handed_out_with_what_keeps_it_safe() {
    let dir = database("lan-serve-page");
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    let (status, head, body) = server.ask("GET", "/", &[], "");
    assert_eq!(status, 200);
    for said in ["content-security-policy: default-src 'none'", "nosniff", "no-referrer", "no-store"] {
        assert!(head.to_lowercase().contains(said), "{said}: {head}");
    }
    assert!(!head.contains("unsafe") && !body.contains("<script>") && !body.contains("style="), "{body}");
    for path in body.split('"').filter(|word| word.starts_with('/')) {
        assert_eq!(server.ask("GET", path, &[], "").0, 200, "{path}");
    }
    let devices = server.get("/api/devices");
    assert_eq!(devices["total"], HOSTILE.len() + 1);
    let long = devices["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .map(|one| one["name"].as_str().map_or(0, str::len));
    assert!(long.max() < Some(1000), "10 KB of name are not sent a thousand times");
    assert_eq!(server.get(&format!("/api/device/{MAC}"))["device"]["mac"], MAC);
    assert_eq!(server.get("/api/alerts")["alerts"][0]["id"], ALERT);
    for path in
        ["/api/device/02:99:99:99:99:99", "/api/device/x", "/api/none", "/../etc/passwd", "/%2e%2e/lan.db"]
    {
        assert_eq!(server.ask("GET", path, &[], "").0, 404, "{path}");
    }
}

#[test]
fn without_token_from_elsewhere_or_by_another_name_nothing_leaks() {
    let dir = database("lan-serve-gate");
    let token = dir.path("token");
    std::fs::write(&token, "0123456789abcdef0123\n").expect("write");
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("chmod");
    let closed = Server::start(&["--db", &dir.text("lan.db"), "--token-file", &dir.text("token")]);
    let open = Server::start(&["--db", &dir.text("lan.db")]);
    let paths =
        ["state", "devices", "map", "traffic", "alerts", "events", "device/00:17:88:01:02:03", "none"];
    for path in paths.map(|path| format!("/api/{path}")) {
        let leaks = |server: &Server, headers: &[(&str, &str)], wanted: u16| {
            let (status, _, body) = server.ask("GET", &path, headers, "");
            assert_eq!(status, wanted, "{path} {headers:?}");
            assert!(body.len() < 100 && !body.contains("lan.db") && !body.contains(MAC), "{body}");
        };
        leaks(&closed, &[], 401);
        leaks(&closed, &[("Authorization", "Bearer 0123456789abcdef0124")], 401);
        leaks(&closed, &[("Cookie", "kernscope=0123456789abcdef0123")], 401);
        leaks(&open, &[("Host", "evil.example")], 421);
        leaks(&open, &[("Origin", "http://evil.example")], 403);
        leaks(&open, &[("Sec-Fetch-Site", "cross-site")], 403);
    }
    assert_ne!(closed.token, "0123456789abcdef0123", "what was given is not written to the log");
    let bearer = ("Authorization", "Bearer 0123456789abcdef0123");
    assert_eq!(closed.ask("GET", "/api/devices", &[bearer], "").0, 200);
    let (status, head, _) = closed.ask("POST", "/api/login", &[bearer], "");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(status == 200 && cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().expect("a pair");
    assert_eq!(closed.ask("GET", "/api/devices", &[("Cookie", pair)], "").0, 200);
    let db = dir.text("lan.db");
    refused(&["lan", "serve", "--db", &db, "--listen", "0.0.0.0:0"], "--token-file");
    refused(&["lan", "serve", "--db", &dir.text("none.db")], "there is none yet");
}

#[test]
fn alerts_are_muted_from_the_page_with_the_token_only() {
    let dir = database("lan-serve-mute");
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    let bearer = format!("Bearer {}", server.token);
    let path = format!("/api/alert/{ALERT}");
    let said = |headers: &[(&str, &str)], body: &str| server.ask("POST", &path, headers, body).0;
    assert_eq!(said(&[], "mute"), 401);
    assert_eq!(said(&[("Authorization", &bearer), ("Origin", "http://evil.example")], "mute"), 403);
    assert_eq!(said(&[("Authorization", &bearer)], "nonsense"), 400);
    assert_eq!(said(&[("Authorization", &bearer)], &"x".repeat(9_000)), 413);
    assert_eq!(server.ask("GET", &path, &[("Authorization", &bearer)], "").0, 405);
    let of = |field: &str| server.get("/api/alerts")["alerts"][0][field].clone();
    assert_eq!(of("muted"), false);
    for (word, field, value) in
        [("mute", "muted", true), ("open", "muted", false), ("acknowledge", "acknowledged", true)]
    {
        assert_eq!(said(&[("Authorization", &bearer)], word), 200);
        assert_eq!(of(field), value, "{word}");
    }
    assert_eq!(
        server.ask("POST", "/api/alert/00000000000000ab", &[("Authorization", &bearer)], "mute").0,
        404
    );
}

#[test]
fn who_dawdles_or_says_too_much_is_let_go() {
    let dir = database("lan-serve-slow");
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    // A head that never ends: the server gives up by itself, and answers others meanwhile.
    let mut slow: Vec<_> = (0..50).map(|_| server.connect()).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"GET / HTTP/1.1\r\nHost: a").expect("send"));
    assert_eq!(server.get("/api/devices")["total"], HOSTILE.len() + 1);
    for stream in &mut slow {
        let mut rest = Vec::new();
        // Closed, or reset: either way it is over.
        let _over = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains(" 200 "));
    }
    let (status, ..) = server.ask("GET", "/api/devices", &[("X-Long", &"x".repeat(40_000))], "");
    assert_eq!(status, 431);
    let many: Vec<_> = (0..200).map(|n| format!("X-{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    assert_eq!(server.ask("GET", "/", &many, "").0, 431);
    assert_eq!(server.get("/api/devices")["total"], HOSTILE.len() + 1);
}

#[test]
fn hostile_names_are_shown_and_do_nothing_in_a_browser() {
    let dir = database("lan-serve-browser");
    let Some(mut browser) = Browser::start(&dir) else {
        return;
    };
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    browser.first_run("window.refused = []; addEventListener('securitypolicyviolation', (event) => refused.push(event.blockedURI));");
    let views = [
        ("devices", "document.querySelectorAll('.row').length === 7"),
        ("alerts", "document.querySelectorAll('.alert li').length === 6"),
        ("map", "document.querySelector('canvas')?.width > 0"),
        ("traffic", "document.querySelector('canvas')?.width > 0"),
        (&format!("device/{MAC}"), "document.querySelector('.facts') !== null"),
        ("device/02:00:00:00:00:01", "document.querySelector('.facts') !== null"),
    ];
    for (view, ready) in views {
        browser.visit(&format!("http://{}/#{view}", server.address), ready);
        assert_eq!(browser.eval("document.title === 'pwned'"), false, "{view}");
        assert_eq!(
            browser.eval("JSON.stringify(refused)"),
            "[]",
            "{view}: nothing wants what the page's policy forbids"
        );
        // What our own files bring: an icon, and a script in the head.
        assert_eq!(browser.eval("document.querySelectorAll('img, script').length"), 2, "{view}");
        assert_eq!(
            browser.eval(
                "document.querySelectorAll('iframe, object, embed, [onerror], a[href^=javascript]').length"
            ),
            0
        );
        let control = "/[\\u0000-\\u0008\\u001b\\u202e]/.test(document.body.textContent)";
        assert_eq!(browser.eval(control), false, "{view}: control characters");
        let inside = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.eval(inside), true, "{view}: a long name makes the page wide");
    }
    browser.visit(&format!("http://{}/#devices", server.address), views[0].1);
    let shown = browser.eval("document.querySelector('.window').textContent").to_string();
    assert!(shown.contains("<img src=x onerror") && shown.contains("<script>"), "{shown}");
}

/// The token comes in the fragment, which no server sees, and is gone from the address before anything is asked.
#[test]
fn the_token_is_handed_over_and_gone_and_mutes_an_alert() {
    let dir = database("lan-serve-token");
    let Some(mut browser) = Browser::start(&dir) else {
        return;
    };
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    let address = format!("http://{}/", server.address);
    browser.visit(
        &format!("{address}#token={}", server.token),
        "document.querySelectorAll('.row').length === 7",
    );
    assert_eq!(browser.eval("location.href"), format!("{address}#devices"));
    assert_eq!(browser.eval("document.cookie"), "", "scripts do not see it");
    assert_eq!(browser.eval(&format!("JSON.stringify(history.state ?? null) + localStorage.length + document.documentElement.outerHTML.includes('{}')", server.token)), "null0false");
    browser.eval("location.hash = 'alerts'");
    browser.wait("document.querySelectorAll('.alert button').length === 2");
    browser.eval("[...document.querySelectorAll('.alert button')].find((button) => button.textContent === 'Mute').click()");
    browser.wait("document.querySelectorAll('.alert').length === 0");
    assert_eq!(server.get("/api/alerts")["alerts"][0]["muted"], true);
}

#[test]
fn the_list_is_used_by_keyboard() {
    let dir = database("lan-serve-keys");
    let Some(mut browser) = Browser::start(&dir) else { return };
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    browser.visit(
        &format!("http://{}/#devices", server.address),
        "document.querySelectorAll('.row').length === 7",
    );
    browser.key("/");
    assert_eq!(browser.eval("document.activeElement.type"), "search");
    browser.insert("gnp");
    browser.wait("document.querySelectorAll('.row').length === 1");
    browser.key("ArrowDown");
    browser.key("Enter");
    browser.wait("document.querySelector('.facts') !== null && location.hash.startsWith('#device/')");
    browser.key("Escape");
    browser.wait("location.hash === '#devices'");
    browser.key("2");
    browser.wait("location.hash === '#map' && document.querySelector('canvas') !== null");
}

/// A phone has no heads of columns to click on.
#[test]
fn the_list_is_sorted_on_a_phone() {
    let dir = Dir::new("lan-serve-phone");
    let mut store = Store::create(&dir.path("lan.db")).expect("create");
    let device = |n: u8| Device {
        mac: format!("02:00:00:00:00:{n:02x}"),
        hostname: Some(format!("name {}", 9 - n)),
        last_seen: format!("2026-01-01T00:00:0{n}.000000000Z"),
        ..Device::default()
    };
    store.put(&(1..=5).map(device).collect::<Vec<_>>()).expect("put");
    let Some(mut browser) = Browser::start(&dir) else { return };
    let server = Server::start(&["--db", &dir.text("lan.db")]);
    let is_shown = "getComputedStyle(document.querySelector('select.order')).display !== 'none'";
    let first = "document.querySelector('.row .name').textContent";
    browser.visit(
        &format!("http://{}/#devices", server.address),
        "document.querySelectorAll('.row').length === 5",
    );
    browser.resize(1280, 800);
    assert_eq!(browser.eval(is_shown), false, "at a desk there are heads");
    browser.resize(390, 844);
    browser.wait(is_shown);
    assert_eq!(browser.eval(first), "name 4", "the one that was seen last");
    browser.eval("{ const by = document.querySelector('select.order'); by.value = 'name'; by.dispatchEvent(new Event('change')); }");
    browser.wait("document.querySelector('.row .name').textContent === 'name 4'");
    browser.eval("document.querySelector('button.order').click()");
    browser.wait("document.querySelector('.row .name').textContent === 'name 8'");
    assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true);
}
