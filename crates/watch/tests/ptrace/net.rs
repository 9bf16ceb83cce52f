//! Sockets, on the loopback interface only.

use super::bench::{Temp, compile, watch};
use kernscope_report::{Body, NetCall};

fn calls(run: &super::bench::Run) -> Vec<(&'static str, &NetCall)> {
    run.entries
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::NetConnect(c) => Some(("connect", c)),
            Body::NetBind(c) => Some(("bind", c)),
            Body::NetListen(c) => Some(("listen", c)),
            Body::NetAccept(c) => Some(("accept", c)),
            Body::NetSend(c) => Some(("send", c)),
            Body::NetClose { call, .. } => Some(("close", call)),
            _ => None,
        })
        .collect()
}

#[test]
fn tcp_udp_and_unix() {
    let temp = Temp::new("net");
    let program = compile(
        &temp.0,
        "net",
        r#"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char **argv) {
    chdir(argv[1]);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    bind(server, (void *)&a, sizeof a);
    listen(server, 5);
    getsockname(server, (void *)&a, &len);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (void *)&a, sizeof a);
    int peer = accept4(server, 0, 0, SOCK_CLOEXEC);
    write(client, "x", 1);
    close(client); close(peer); close(server);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    connect(refused, (void *)&a, sizeof a);
    struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int udp = socket(AF_INET6, SOCK_DGRAM, 0);
    sendto(udp, "x", 1, 0, (void *)&b, sizeof b);
    sendto(udp, "y", 1, 0, (void *)&b, sizeof b);
    struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "sock" };
    int un = socket(AF_UNIX, SOCK_STREAM, 0), uc = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(un, (void *)&u, sizeof u);
    listen(un, 1);
    connect(uc, (void *)&u, sizeof u);
    struct iovec iov = { "m", 1 };
    struct sockaddr_in to = a;
    to.sin_port = htons(7);
    struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1 };
    sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &m, 0);
    return 0;
}
"#,
    );
    let run = watch(&[program.to_str().unwrap(), temp.0.to_str().unwrap()]);
    let calls = calls(&run);
    let server = calls.iter().find(|(kind, _)| *kind == "bind").unwrap().1.local.clone().unwrap();
    assert!(server.starts_with("127.0.0.1:") && !server.ends_with(":0"));
    let connects: Vec<_> = calls.iter().filter(|(kind, _)| *kind == "connect").collect();
    assert_eq!((connects[0].1.remote.as_ref(), connects[0].1.ret), (Some(&server), 0));
    assert_eq!(
        (connects[1].1.remote.as_ref(), connects[1].1.errno.as_deref()),
        (Some(&server), Some("ECONNREFUSED"))
    );
    assert_eq!(connects[2].1.remote, Some(temp.path("sock")));
    let accepted = calls.iter().find(|(kind, _)| *kind == "accept").unwrap().1;
    assert_eq!(
        (accepted.local.as_ref(), accepted.remote.as_ref()),
        (Some(&server), connects[0].1.local.as_ref())
    );
    assert_eq!(accepted.proto, "tcp");
    let sends: Vec<_> = calls
        .iter()
        .filter(|(kind, _)| *kind == "send")
        .map(|(_, call)| (call.proto.as_str(), call.remote.as_deref()))
        .collect();
    assert_eq!(sends, [("udp", Some("[::1]:9")), ("udp", Some("127.0.0.1:7"))]);
    let kinds: Vec<_> = calls.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds[..7], ["bind", "listen", "connect", "accept", "close", "close", "close"]);
    // The rest by the end of the process: refused, udp, un, uc, and the nameless one.
    assert_eq!(kinds.iter().filter(|kind| **kind == "close").count(), 8);
    let net = run.coverage.hooks.iter().find(|hook| hook.name == "net").unwrap();
    assert_eq!(net.state, kernscope_report::State::Attached, "{}", net.why);
}
