// The same deeds through io_uring: no system call names a path or moves a byte.
#include "case.h"
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct ring {
    int fd;
    unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
};

static struct ring ring;
static unsigned char sqe_flags;
static unsigned enter_flags = IORING_ENTER_GETEVENTS;

static int try_start(unsigned setup_flags) {
    struct io_uring_params params = {.flags = setup_flags, .sq_thread_idle = 1000};
    ring.fd = syscall(SYS_io_uring_setup, 8, &params);
    if (ring.fd < 0) return -1;
    size_t sq_size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t cq_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
    char *cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
    ring.sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED,
                     ring.fd, IORING_OFF_SQES);
    MUST(sq != MAP_FAILED && cq != MAP_FAILED && (void *)ring.sqes != MAP_FAILED);
    ring.sq_tail = (unsigned *)(sq + params.sq_off.tail);
    ring.sq_mask = (unsigned *)(sq + params.sq_off.ring_mask);
    ring.sq_array = (unsigned *)(sq + params.sq_off.array);
    ring.cq_head = (unsigned *)(cq + params.cq_off.head);
    ring.cq_tail = (unsigned *)(cq + params.cq_off.tail);
    ring.cq_mask = (unsigned *)(cq + params.cq_off.ring_mask);
    ring.cqes = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
    return 0;
}

// Submits one request and gives its result.
static int submit(struct io_uring_sqe request) {
    unsigned tail = *ring.sq_tail, index = tail & *ring.sq_mask;
    request.flags = sqe_flags;
    ring.sqes[index] = request;
    ring.sq_array[index] = index;
    __atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
    long done;
    while ((done = syscall(SYS_io_uring_enter, ring.fd, 1, 1, enter_flags, NULL, 0)) < 0 && errno == EINTR) {
    }
    MUST(done == 1);
    unsigned head = *ring.cq_head;
    MUST(head != __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE));
    int result = ring.cqes[head & *ring.cq_mask].res;
    __atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
    return result;
}

static struct io_uring_sqe path_request(int opcode, const char *path) {
    return (struct io_uring_sqe){.opcode = opcode, .fd = AT_FDCWD, .addr = (uintptr_t)path};
}

static int ring_open(const char *path, int flags, int mode) {
    struct io_uring_sqe request = path_request(IORING_OP_OPENAT, path);
    request.open_flags = flags;
    request.len = mode;
    return submit(request);
}

static int ring_move(int opcode, int fd, void *bytes, unsigned len) {
    return submit((struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (uintptr_t)bytes, .len = len});
}

static void do_files(int argc, char **argv) {
    (void)argc, (void)argv;
    char buffer[64] = "";
    int fd = ring_open("ring-file", O_CREAT | O_RDWR, 0600);
    MUST(fd >= 0);
    FACT("fd", "%d", fd);
    MUST(ring_move(IORING_OP_WRITE, fd, buffer, 40) == 40);
    MUST(ring_move(IORING_OP_READ, fd, buffer, 30) == 30);
    MUST(submit((struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd}) == 0);
    MUST(ring_open("ring-missing", O_RDONLY, 0) == -ENOENT);
}

static void do_paths(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("doomed", 1), fill("old", 1);
    MUST(submit(path_request(IORING_OP_UNLINKAT, "doomed")) == 0);
    MUST(submit(path_request(IORING_OP_UNLINKAT, "doomed")) == -ENOENT);
    struct io_uring_sqe rename = path_request(IORING_OP_RENAMEAT, "old");
    rename.off = (uintptr_t) "new";
    rename.len = AT_FDCWD;
    MUST(submit(rename) == 0);
}

static void do_paths_515(int argc, char **argv) {
    (void)argc, (void)argv;
    struct io_uring_sqe mkdir = path_request(IORING_OP_MKDIRAT, "made");
    mkdir.len = 0710;
    MUST(submit(mkdir) == 0);
    struct io_uring_sqe soft = path_request(IORING_OP_SYMLINKAT, "some target");
    soft.off = (uintptr_t) "soft";
    MUST(submit(soft) == 0);
    fill("file", 1);
    struct io_uring_sqe hard = path_request(IORING_OP_LINKAT, "file");
    hard.off = (uintptr_t) "hard";
    hard.len = AT_FDCWD;
    MUST(submit(hard) == 0);
}

static void do_connect(int argc, char **argv) {
    (void)argc, (void)argv;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bind(listener, (void *)&address, len) == 0 && listen(listener, 5) == 0);
    MUST(getsockname(listener, (void *)&address, &len) == 0);
    FACT("port", "%d", ntohs(address.sin_port));
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct io_uring_sqe request = {.opcode = IORING_OP_CONNECT, .fd = client, .addr = (uintptr_t)&address, .off = len};
    MUST(submit(request) == 0);
    int server = submit((struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = listener});
    MUST(server >= 0);
    char buffer[64] = "";
    FACT("client", "%d", client);
    MUST(ring_move(IORING_OP_SEND, client, buffer, 12) == 12);
    MUST(ring_move(IORING_OP_RECV, server, buffer, 12) == 12);
    MUST(close(client) == 0 && close(server) == 0);
}

int main(int argc, char **argv) {
    const char *how = argc > 2 ? argv[2] : "";
    if (strcmp(how, "async") == 0) sqe_flags = IOSQE_ASYNC;
    // A thread of the kernel's picks the requests up; the program makes no call for them but the one that wakes it.
    int polled = strcmp(how, "polled") == 0;
    if (polled) enter_flags |= IORING_ENTER_SQ_WAKEUP;
    if (try_start(polled ? IORING_SETUP_SQPOLL : 0) != 0) {
        dprintf(2, "io_uring_setup: %s\n", strerror(errno));
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--probe") == 0) return 0;
    FACT("self", "%d", getpid());
    const struct sub subs[] = {
        {"files", do_files}, {"paths", do_paths}, {"paths-5.15", do_paths_515}, {"connect", do_connect}, {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
