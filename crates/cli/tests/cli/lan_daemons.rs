//! `kernscope lan run` on a cable with the real daemons at its ends: what it says of them is what they were told to be.

use crate::lan_live::{BACKENDS, ask, devices, end, index, interrupt, on_a_cable, start};
use crate::run::{Dir, checked};
use kernscope_kit::netlink::Request;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RTM_NEWLINK: u16 = 16;
const IFLA_NET_NS_PID: u16 = 19;

/// Whether all programs are there; says which is not.
pub(crate) fn have(test: &str, programs: &[&str]) -> bool {
    let is_there = |program: &&&str| {
        let paths = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        paths.split(':').any(|dir| std::path::Path::new(dir).join(program).exists())
    };
    let missing: Vec<_> = programs.iter().filter(|program| !is_there(program)).collect();
    if !missing.is_empty() {
        eprintln!("skipped: {test}: not installed: {missing:?}");
    }
    missing.is_empty()
}

/// A process that ends with this.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn new(command: &str) -> Self {
        let mut words = command.split(' ');
        let program = words.next().expect("a program");
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("PATH", std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin");
        Self(command.spawn().unwrap_or_else(|err| panic!("{program}: {err}")))
    }

    pub(crate) fn finish(self) {
        self.finish_within(Duration::from_secs(20));
    }

    pub(crate) fn finish_within(mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.0.try_wait().expect("wait").is_none() {
            assert!(Instant::now() < until, "ends in time");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The other end of the cable, in a network of its own with an address; ends with the process.
pub(crate) fn other_end() -> (Running, String) {
    let holder = Running::new("unshare -n sleep 400");
    let pid = holder.0.id();
    let own = std::fs::read_link("/proc/thread-self/ns/net").expect("a namespace");
    let apart = || std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|other| other != own);
    let until = Instant::now() + Duration::from_secs(5);
    while !apart() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    let header = [0, index("left"), 0, 0].map(u32::to_ne_bytes).concat();
    ask(&Request::new(RTM_NEWLINK, 0, &header).attr(IFLA_NET_NS_PID, &pid.to_ne_bytes()));
    let inside = format!("nsenter -t {pid} -n ");
    Running::new(&format!("{inside}ip addr add 10.5.5.1/24 dev left")).finish();
    Running::new(&format!("{inside}ip link set left up")).finish();
    (holder, inside)
}

/// The hardware address of an interface, as text in a record.
pub(crate) fn mac_of(name: &str, inside: &str) -> String {
    let command = format!("{inside}ip -o link show {name}");
    let mut words = command.split(' ');
    let output = Command::new(words.next().expect("ip")).args(words).output().expect("ip runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mac = text.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next());
    format!("\"{}\"", mac.unwrap_or_else(|| panic!("{command}: {text:?} {:?}", output.stderr)))
}

/// A DHCP server on an interface at the other end, which notes its leases in a file.
pub(crate) fn dhcp_server(inside: &str, interface: &str, leases: &str) -> Running {
    Running::new(&format!(
        "{inside}dnsmasq -k --port=0 --interface={interface} --bind-interfaces --conf-file=/dev/null --user=root --pid-file= \
         --dhcp-range=10.5.5.10,10.5.5.20,1h --dhcp-authoritative --dhcp-leasefile={leases}"
    ))
}

/// Waits until the server has noted that somebody of this name has an address, and frames of it are seen.
fn wait_for_lease(dir: &Dir, name: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(dir.path("leases")).is_ok_and(|text| text.contains(name)) {
        assert!(Instant::now() < until, "{name} gets an address");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
}

/// A device that has told this name by DHCP, and got an address so.
fn is_client(device: &Value, name: &str) {
    assert_eq!((&device["hostname"], &device["names"][0]["via"]), (&name.into(), &"dhcp".into()), "{device}");
    assert!(device["ips"][0].as_str().is_some_and(|ip| ip.starts_with("10.5.5.")), "{device}");
}

/// What is told of the other end by a run beside which a program is there for so long.
fn told_while(backend: &str, inside: &str, program: &str, time: Duration) -> Value {
    let child = start(&["--backend", backend, "--no-db"]);
    let daemon = Running::new(&format!("{inside}{program}"));
    std::thread::sleep(time);
    drop(daemon);
    let mac = mac_of("left", inside);
    devices(&end(child)).remove(&mac).unwrap_or_else(|| panic!("{backend}: {program}: says nothing"))
}

/// Whether a list holds a word.
pub(crate) fn holds(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|one| one == word))
}

#[test]
fn dhcp_servers_and_clients_are_what_they_say() {
    if !have(
        "dhcp_servers_and_clients_are_what_they_say",
        &["dnsmasq", "dhclient", "udhcpc", "unshare", "nsenter", "ip"],
    ) {
        return;
    }
    on_a_cable("dhcp_servers_and_clients_are_what_they_say", || {
        let dir = Dir::new("lan-dhcp");
        let (holder, inside) = other_end();
        let server = dhcp_server(&inside, "left", &dir.text("leases"));
        std::fs::write(dir.path("client.conf"), "send host-name \"kettle\";\n").expect("write");
        let isc = format!(
            "dhclient -1 -d -sf /bin/true -lf {} -pf {} -cf {} right",
            dir.text("client.leases"),
            dir.text("client.pid"),
            dir.text("client.conf")
        );
        let busybox = "udhcpc -i right -n -q -f -t 10 -T 1 -s /bin/true -x hostname:toaster".to_owned();
        for (backend, client, name) in [("xdp", isc, "kettle"), ("packet", busybox, "toaster")] {
            let child = start(&["--backend", backend, "--no-db"]);
            let client = Running::new(&client);
            wait_for_lease(&dir, name);
            drop(client);
            let seen = devices(&end(child));
            is_client(&seen[&mac_of("right", "")], name);
            let server = &seen[&mac_of("left", &inside)];
            assert!(holds(&server["roles"], "dhcp_server") && holds(&server["roles"], "router"), "{server}");
            assert_eq!(server["ips"][0], "10.5.5.1", "{server}");
            assert_eq!(seen.len(), 2, "{seen:?}");
        }
        drop((server, holder));
    });
}

#[test]
fn a_name_by_mdns_is_told() {
    if !have("a_name_by_mdns_is_told", &["avahi-daemon", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable("a_name_by_mdns_is_told", || {
        let dir = Dir::new("lan-mdns");
        let (holder, inside) = other_end();
        let conf = "[server]\nhost-name=oven\nenable-dbus=no\nuse-ipv6=no\nallow-interfaces=left\n[publish]\npublish-workstation=yes\n";
        std::fs::write(dir.path("avahi.conf"), conf).expect("write");
        // With a /run of its own, so that no other one on this machine keeps it from starting.
        let (conf, words) = (dir.text("avahi.conf"), dir.text("words"));
        let options = "--no-drop-root --no-chroot --no-rlimits";
        let script =
            format!("mount -t tmpfs none /run && exec avahi-daemon {options} -f {conf} > {words} 2>&1\n");
        std::fs::write(dir.path("avahi.sh"), script).expect("write");
        let mut child = start(&["--no-db", "--duration", "40"]);
        let daemon = Running::new(&format!("{inside}unshare -m sh {}", dir.text("avahi.sh")));
        // It asks thrice whether the name is taken before it says it.
        let mut told = BufReader::new(child.stdout.take().expect("piped"));
        let mut text = String::new();
        while !text.contains("oven") && told.read_line(&mut text).expect("a line") > 0 {}
        interrupt(&child);
        told.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        drop(daemon);
        let seen = devices(&checked(&text));
        let words = std::fs::read_to_string(words).unwrap_or_default();
        let oven = seen.get(&mac_of("left", &inside)).unwrap_or_else(|| panic!("no device: {words}"));
        assert_eq!(
            oven["hostname"].as_str().map(|name| name.trim_end_matches(".local")),
            Some("oven"),
            "{oven} {words}"
        );
        assert_eq!(
            (&oven["names"][0]["via"], &oven["ips"][0]),
            (&"mdns".into(), &"10.5.5.1".into()),
            "{oven}"
        );
        drop(holder);
    });
}

#[test]
fn a_router_that_advertises_is_one() {
    if !have("a_router_that_advertises_is_one", &["radvd", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable("a_router_that_advertises_is_one", || {
        let dir = Dir::new("lan-radvd");
        let (holder, inside) = other_end();
        Running::new(&format!("{inside}sysctl -qw net.ipv6.conf.left.disable_ipv6=0")).finish();
        Running::new(&format!("{inside}sysctl -qw net.ipv6.conf.all.forwarding=1")).finish();
        Running::new(&format!("{inside}ip addr add fe80::1/64 dev left nodad")).finish();
        let conf = "interface left { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; \
                    prefix 2001:db8:5::/64 { }; };\n";
        std::fs::write(dir.path("radvd.conf"), conf).expect("write");
        for backend in BACKENDS {
            let radvd = format!("radvd -n -C {} -p {} -m stderr", dir.text("radvd.conf"), dir.text("pid"));
            let router = told_while(backend, &inside, &radvd, Duration::from_secs(6));
            assert!(holds(&router["roles"], "router"), "{backend}: {router}");
            assert!(holds(&router["ips"], "fe80::1"), "{backend}: {router}");
        }
        drop(holder);
    });
}

#[test]
fn dhcpcd_tells_its_name_and_what_it_runs_on() {
    let test = "dhcpcd_tells_its_name_and_what_it_runs_on";
    if !have(test, &["dnsmasq", "dhcpcd", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let dir = Dir::new("lan-dhcpcd");
        let (holder, inside) = other_end();
        let server = dhcp_server(&inside, "left", &dir.text("leases"));
        let child = start(&["--no-db"]);
        // It changes nothing on this machine: no script, and the network is this test's own.
        let client = Running::new(
            "dhcpcd -B -4 -t 15 --noarp -c /bin/true -f /dev/null -h drier -i dhcpcd-test right",
        );
        wait_for_lease(&dir, "drier");
        drop(client);
        let seen = devices(&end(child));
        is_client(&seen[&mac_of("right", "")], "drier");
        drop((server, holder));
    });
}

#[test]
fn who_listens_for_upnp_devices_is_taken_for_none() {
    let test = "who_listens_for_upnp_devices_is_taken_for_none";
    if !have(test, &["minissdpd", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let dir = Dir::new("lan-ssdp");
        let (holder, inside) = other_end();
        for backend in BACKENDS {
            let minissdpd =
                format!("minissdpd -d -f ssdp:all -i left -s {} -p {}", dir.text("socket"), dir.text("pid"));
            let listener = told_while(backend, &inside, &minissdpd, Duration::from_secs(3));
            let told = [&listener["category"], &listener["ips"][0]];
            assert_eq!(told, [&Value::from("unknown"), &"10.5.5.1".into()], "{backend}: {listener}");
            assert!(!listener["names"].to_string().contains("upnp"), "{backend}: {listener}");
        }
        drop(holder);
    });
}

/// Tells minissdpd of a service, as programs that have one do: its type, name, server and place.
fn register(socket: &Path, service: [&str; 4]) {
    let until = Instant::now() + Duration::from_secs(5);
    let mut stream = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(err) => assert!(Instant::now() < until, "minissdpd listens: {err}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let strings = service.iter().flat_map(|text| [&[text.len() as u8], text.as_bytes()].concat());
    let request: Vec<u8> = [4].into_iter().chain(strings).collect();
    stream.write_all(&request).expect("minissdpd takes it");
}

#[test]
fn who_answers_by_ssdp_is_what_it_says_and_who_asks_is_not() {
    let test = "who_answers_by_ssdp_is_what_it_says_and_who_asks_is_not";
    if !have(test, &["minissdpd", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        const GATEWAY: &str = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
        let dir = Dir::new("lan-ssdp-answers");
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        Running::new("ip route add 239.0.0.0/8 dev right").finish();
        let socket = dir.path("socket");
        let daemon = Running::new(&format!(
            "{inside}minissdpd -d -i left -s {} -p {}",
            socket.display(),
            dir.text("pid")
        ));
        let name = format!("uuid:4d696e69-444c-164e-9d41-b827eb96c2c2::{GATEWAY}");
        register(
            &socket,
            [GATEWAY, &name, "Linux UPnP/1.0 MiniUPnPd/2.3", "http://10.5.5.1:5000/rootDesc.xml"],
        );
        for backend in BACKENDS {
            let child = start(&["--backend", backend, "--no-db"]);
            let asker = UdpSocket::bind("10.5.5.2:0").expect("bind");
            asker.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
            let search = format!(
                "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {GATEWAY}\r\n\r\n"
            );
            let mut answer = [0; 2048];
            let is_answered = (0..5).any(|_| {
                asker.send_to(search.as_bytes(), "239.255.255.250:1900").expect("send");
                asker.recv(&mut answer).is_ok_and(|length| length > 0)
            });
            assert!(is_answered, "{backend}: minissdpd answers");
            let seen = devices(&end(child));
            let (router, asker) = (&seen[&mac_of("left", &inside)], &seen[&mac_of("right", "")]);
            assert_eq!(
                (&router["category"], &router["ips"][0]),
                (&"router".into(), &"10.5.5.1".into()),
                "{router}"
            );
            assert_eq!(asker["category"], "unknown", "{backend}: {asker}");
        }
        drop((daemon, holder));
    });
}

/// Whoever connects, within half a minute.
fn caller(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("set");
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match listener.accept() {
            Ok((stream, _)) => return stream,
            Err(err) => assert!(Instant::now() < until, "somebody connects: {err}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_browser_tells_what_it_runs_on() {
    let test = "a_browser_tells_what_it_runs_on";
    if !have(test, &["chromium", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        for backend in BACKENDS {
            // One that is refused asks anew: a server of its own keeps what an earlier browser asked from the next.
            let server = TcpListener::bind("10.5.5.2:80").expect("listen");
            let dir = Dir::new("lan-chromium");
            let child = start(&["--backend", backend, "--no-db"]);
            let browser = Running::new(&format!(
                "{inside}chromium --headless=new --no-sandbox --disable-gpu --user-data-dir={} http://10.5.5.2/",
                dir.text("profile")
            ));
            // It opens connections beforehand, and asks by one of them.
            let mut callers: Vec<TcpStream> = Vec::new();
            let asks = (0..5).any(|_| {
                let mut stream = caller(&server);
                stream.set_nonblocking(false).expect("set");
                stream.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
                let asks = stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0);
                callers.push(stream);
                asks
            });
            assert!(asks, "{backend}: it asks");
            std::thread::sleep(Duration::from_millis(300));
            drop((browser, callers));
            let seen = devices(&end(child));
            let computer = &seen[&mac_of("left", &inside)];
            let told = [&computer["category"], &computer["os"], &computer["ips"][0]];
            assert_eq!(told, ["computer", "Linux", "10.5.5.1"], "{backend}: {computer}");
        }
        drop(holder);
    });
}
