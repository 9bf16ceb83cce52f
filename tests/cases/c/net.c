// Sockets on this machine: who talks to whom, and exactly how much.
#include "case.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buffer[100000];

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static socklen_t loopback(union address *address, int family, int port) {
    memset(address, 0, sizeof *address);
    address->any.sa_family = family;
    if (family == AF_INET) {
        address->v4.sin_port = htons(port);
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof address->v4;
    }
    address->v6.sin6_port = htons(port);
    address->v6.sin6_addr = in6addr_loopback;
    return sizeof address->v6;
}

static int port_of(int fd) {
    union address address;
    socklen_t len = sizeof address;
    MUST(getsockname(fd, &address.any, &len) == 0);
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static int bound(int family, int type) {
    union address address;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    MUST(fd >= 0);
    MUST(bind(fd, &address.any, loopback(&address, family, 0)) == 0);
    return fd;
}

static void receive(int fd, size_t size) {
    while (size > 0) {
        ssize_t n = recv(fd, buffer, size < sizeof buffer ? size : sizeof buffer, 0);
        MUST(n > 0);
        size -= n;
    }
}

// The client sends 100 + 2000 and gets 50000; the server the other way round.
static void tcp(int family) {
    int listener = bound(family, SOCK_STREAM);
    MUST(listen(listener, 5) == 0);
    int port = port_of(listener);
    FACT("server", "%d", getpid());
    FACT("port", "%d", port);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        MUST(close(listener) == 0);
        union address address;
        int fd = socket(family, SOCK_STREAM, 0);
        MUST(connect(fd, &address.any, loopback(&address, family, port)) == 0);
        FACT("client_port", "%d", port_of(fd));
        struct iovec two[2] = {{buffer, 500}, {buffer, 1500}};
        MUST(send(fd, buffer, 100, 0) == 100);
        MUST(writev(fd, two, 2) == 2000);
        receive(fd, 50000);
        MUST(close(fd) == 0);
        _exit(0);
    }
    FACT("client", "%d", child);
    union address peer;
    socklen_t len = sizeof peer;
    int fd = accept4(listener, &peer.any, &len, SOCK_CLOEXEC);
    MUST(fd >= 0);
    receive(fd, 2100);
    for (size_t sent = 0; sent < 50000;) {
        ssize_t n = write(fd, buffer, 50000 - sent);
        MUST(n > 0);
        sent += n;
    }
    MUST(wait_for(child) == 0);
    MUST(close(fd) == 0 && close(listener) == 0);
}

static void do_tcp4(int argc, char **argv) {
    (void)argc, (void)argv;
    tcp(AF_INET);
}

static void do_tcp6(int argc, char **argv) {
    (void)argc, (void)argv;
    tcp(AF_INET6);
}

// A file into a socket, and a socket into a pipe.
static void do_tcp_transfers(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("file", 3000);
    int listener = bound(AF_INET, SOCK_STREAM);
    MUST(listen(listener, 5) == 0);
    FACT("port", "%d", port_of(listener));
    union address address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(client, &address.any, loopback(&address, AF_INET, port_of(listener))) == 0);
    int server = accept(listener, NULL, NULL);
    int file = open("file", O_RDONLY);
    MUST(server >= 0 && file >= 0);
    MUST(sendfile(client, file, NULL, 3000) == 3000);
    int pipes[2];
    MUST(pipe(pipes) == 0);
    ssize_t moved = 0;
    while (moved < 3000) {
        ssize_t n = splice(server, NULL, pipes[1], NULL, 3000 - moved, 0);
        MUST(n > 0);
        moved += n;
    }
    MUST(close(client) == 0 && close(server) == 0);
}

// What the other end never read was still sent.
static void do_tcp_unread(int argc, char **argv) {
    (void)argc, (void)argv;
    int listener = bound(AF_INET, SOCK_STREAM);
    MUST(listen(listener, 5) == 0);
    FACT("port", "%d", port_of(listener));
    union address address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(client, &address.any, loopback(&address, AF_INET, port_of(listener))) == 0);
    MUST(send(client, buffer, 10, 0) == 10);
    _exit(0);
}

static void udp(int family) {
    int receiver = bound(family, SOCK_DGRAM);
    int port = port_of(receiver);
    FACT("port", "%d", port);
    union address address;
    socklen_t len = loopback(&address, family, port);
    int sender = socket(family, SOCK_DGRAM, 0);
    MUST(connect(sender, &address.any, len) == 0);
    FACT("sender_port", "%d", port_of(sender));
    MUST(send(sender, buffer, 300, 0) == 300);
    MUST(write(sender, buffer, 40) == 40);
    receive(receiver, 300);
    receive(receiver, 40);
    MUST(close(sender) == 0 && close(receiver) == 0);
}

static void do_udp4(int argc, char **argv) {
    (void)argc, (void)argv;
    udp(AF_INET);
}

static void do_udp6(int argc, char **argv) {
    (void)argc, (void)argv;
    udp(AF_INET6);
}

// Datagrams to addresses, from a socket that is connected to nobody: 10 + 20 + 30 + 40.
static void do_udp_unconnected(int argc, char **argv) {
    (void)argc, (void)argv;
    int first = bound(AF_INET, SOCK_DGRAM), second = bound(AF_INET, SOCK_DGRAM), third = bound(AF_INET, SOCK_DGRAM);
    FACT("first", "%d", port_of(first));
    FACT("second", "%d", port_of(second));
    FACT("third", "%d", port_of(third));
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    FACT("fd", "%d", sender);
    union address address;
    socklen_t len = loopback(&address, AF_INET, port_of(first));
    MUST(sendto(sender, buffer, 10, 0, &address.any, len) == 10);
    union address other;
    len = loopback(&other, AF_INET, port_of(second));
    struct iovec one = {buffer, 20};
    struct msghdr msg = {.msg_name = &other, .msg_namelen = len, .msg_iov = &one, .msg_iovlen = 1};
    MUST(sendmsg(sender, &msg, 0) == 20);
    union address last;
    len = loopback(&last, AF_INET, port_of(third));
    struct iovec parts[2] = {{buffer, 30}, {buffer, 40}};
    struct mmsghdr many[2] = {
        {.msg_hdr = {.msg_name = &last, .msg_namelen = len, .msg_iov = &parts[0], .msg_iovlen = 1}},
        {.msg_hdr = {.msg_name = &last, .msg_namelen = len, .msg_iov = &parts[1], .msg_iovlen = 1}},
    };
    MUST(sendmmsg(sender, many, 2, 0) == 2);
    receive(first, 10);
    receive(second, 20);
    struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = &parts[0], .msg_iovlen = 1}},
                             {.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
    MUST(recvmmsg(third, got, 2, 0, NULL) == 2);
    FACT("third_fd", "%d", third);
    MUST(close(sender) == 0 && close(third) == 0);
}

static void do_refused(int argc, char **argv) {
    (void)argc, (void)argv;
    int holder = bound(AF_INET, SOCK_STREAM);
    FACT("port", "%d", port_of(holder));
    union address address;
    socklen_t len = loopback(&address, AF_INET, port_of(holder));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(connect(fd, &address.any, len), ECONNREFUSED);
    MUST(close(fd) == 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(bind(fd, &address.any, len), EADDRINUSE);
    FAILS(connect(77, &address.any, len), EBADF);
}

static void do_nonblocking(int argc, char **argv) {
    (void)argc, (void)argv;
    int listener = bound(AF_INET, SOCK_STREAM);
    MUST(listen(listener, 5) == 0);
    FACT("port", "%d", port_of(listener));
    union address address;
    socklen_t len = loopback(&address, AF_INET, port_of(listener));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(connect(fd, &address.any, len), EINPROGRESS);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    MUST(poll(&ready, 1, 5000) == 1);
    int server = accept(listener, NULL, NULL);
    MUST(server >= 0);
    MUST(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    FAILS(accept(listener, NULL, NULL), EAGAIN);
    MUST(send(fd, buffer, 77, 0) == 77);
    receive(server, 77);
    MUST(close(fd) == 0 && close(server) == 0);
}

static socklen_t unix_address(union address *address, const char *name, int abstract) {
    memset(address, 0, sizeof *address);
    address->local.sun_family = AF_UNIX;
    strcpy(address->local.sun_path + abstract, name);
    return offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name) + (abstract ? 0 : 1);
}

static void unix_stream(const char *name, int abstract) {
    union address address;
    socklen_t len = unix_address(&address, name, abstract);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(listener, &address.any, len) == 0 && listen(listener, 5) == 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    FACT("client", "%d", client);
    MUST(connect(client, &address.any, len) == 0);
    int server = accept(listener, NULL, NULL);
    FACT("server", "%d", server);
    MUST(server >= 0);
    MUST(send(client, buffer, 15, 0) == 15);
    receive(server, 15);
    MUST(send(server, buffer, 25, 0) == 25);
    receive(client, 25);
    MUST(close(client) == 0 && close(server) == 0 && close(listener) == 0);
}

static void do_unix_path(int argc, char **argv) {
    (void)argc, (void)argv;
    unix_stream("socket", 0);
    union address address;
    socklen_t len = unix_address(&address, "missing", 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    FAILS(connect(fd, &address.any, len), ENOENT);
}

static void do_unix_abstract(int argc, char **argv) {
    (void)argc, (void)argv;
    char name[64];
    snprintf(name, sizeof name, "kernscope-case-%d", getpid());
    FACT("name", "%s", name);
    unix_stream(name, 1);
}

static void do_unix_dgram(int argc, char **argv) {
    (void)argc, (void)argv;
    union address address;
    socklen_t len = unix_address(&address, "box", 0);
    int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    FACT("sender", "%d", sender);
    FACT("receiver", "%d", receiver);
    MUST(bind(receiver, &address.any, len) == 0);
    MUST(sendto(sender, buffer, 19, 0, &address.any, len) == 19);
    receive(receiver, 19);
    MUST(close(sender) == 0 && close(receiver) == 0);
}

static void do_socketpair(int argc, char **argv) {
    (void)argc, (void)argv;
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    FACT("left", "%d", pair[0]);
    FACT("right", "%d", pair[1]);
    MUST(write(pair[0], buffer, 31) == 31);
    MUST(read(pair[1], buffer, 31) == 31);
    MUST(close(pair[0]) == 0 && close(pair[1]) == 0);
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"tcp4", do_tcp4},
        {"tcp6", do_tcp6},
        {"tcp-transfers", do_tcp_transfers},
        {"tcp-unread", do_tcp_unread},
        {"udp4", do_udp4},
        {"udp6", do_udp6},
        {"udp-unconnected", do_udp_unconnected},
        {"refused", do_refused},
        {"nonblocking", do_nonblocking},
        {"unix-path", do_unix_path},
        {"unix-abstract", do_unix_abstract},
        {"unix-dgram", do_unix_dgram},
        {"socketpair", do_socketpair},
        {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
