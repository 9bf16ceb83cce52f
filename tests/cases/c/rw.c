// Bytes through descriptors: every call that moves some, and every way a descriptor comes and goes.
#include "case.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

static char buffer[4096];

static void do_calls(int argc, char **argv) {
    (void)argc, (void)argv;
    struct iovec two[2] = {{buffer, 3}, {buffer + 3, 4}};
    int fd = create("file");
    MUST(write(fd, buffer, 100) == 100);          // 100
    MUST(pwrite(fd, buffer, 50, 200) == 50);      // 150
    MUST(writev(fd, two, 2) == 7);                // 157
    MUST(pwritev(fd, two, 2, 0) == 7);            // 164
    MUST(pwritev2(fd, two, 2, 0, 0) == 7);        // 171 in 5 calls
    MUST(pread(fd, buffer, 60, 0) == 60);         // 60
    MUST(preadv(fd, two, 2, 0) == 7);             // 67
    MUST(preadv2(fd, two, 2, 0, 0) == 7);         // 74
    MUST(lseek(fd, 0, SEEK_SET) == 0);
    MUST(read(fd, buffer, 10) == 10);             // 84
    MUST(readv(fd, two, 2) == 7);                 // 91 in 5 calls
    MUST(close(fd) == 0);
}

static void do_transfers(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("from", 4000);
    int from = open("from", O_RDONLY), to = create("sent");
    MUST(sendfile(to, from, NULL, 1000) == 1000);
    MUST(close(to) == 0);
    to = create("copied");
    MUST(copy_file_range(from, NULL, to, NULL, 500, 0) == 500);
    MUST(close(to) == 0);
    int pipes[2];
    MUST(pipe(pipes) == 0);
    to = create("spliced");
    MUST(splice(from, NULL, pipes[1], NULL, 300, 0) == 300);
    MUST(splice(pipes[0], NULL, to, NULL, 300, 0) == 300);
    MUST(close(to) == 0);
    MUST(close(from) == 0);
}

static void do_dup(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = create("file");
    FACT("fd", "%d", fd);
    MUST(write(fd, buffer, 5) == 5);
    int second = dup(fd);
    FACT("second", "%d", second);
    MUST(write(second, buffer, 7) == 7);
    MUST(close(fd) == 0);
    int third = fcntl(second, F_DUPFD_CLOEXEC, 20);
    MUST(third == 20);
    MUST(write(third, buffer, 9) == 9);
    MUST(close(second) == 0);
    MUST(write(third, buffer, 1) == 1);
    MUST(close(third) == 0);
}

// dup2 and dup3 close what stood there before.
static void do_dup_over(int argc, char **argv) {
    (void)argc, (void)argv;
    int first = create("first"), second = create("second"), third = create("third");
    FACT("second", "%d", second);
    FACT("third", "%d", third);
    MUST(write(second, buffer, 11) == 11);
    MUST(dup2(first, second) == second);
    MUST(write(third, buffer, 13) == 13);
    MUST(dup3(first, third, O_CLOEXEC) == third);
    MUST(dup2(first, first) == first);
    MUST(write(third, buffer, 2) == 2);
}

static void do_close_range(int argc, char **argv) {
    (void)argc, (void)argv;
    int one = create("one"), two = create("two"), three = create("three");
    MUST(two == one + 1 && three == two + 1);
    MUST(write(two, buffer, 21) == 21);
    MUST(syscall(SYS_close_range, one, three, 0) == 0);
    int four = create("four");
    MUST(syscall(SYS_close_range, four, four, 4 /* CLOSE_RANGE_CLOEXEC */) == 0);
    MUST(write(four, buffer, 2) == 2);
    MUST(close(four) == 0);
    FAILS(close(four), EBADF);
}

static void do_inherit(int argc, char **argv) {
    (void)argc, (void)argv;
    int used = create("used"), unused = create("unused");
    MUST(write(used, buffer, 4) == 4);
    FACT("self", "%d", getpid());
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        MUST(write(used, buffer, 6) == 6);
        _exit(0);
    }
    FACT("child", "%d", child);
    MUST(wait_for(child) == 0);
    MUST(close(used) == 0 && close(unused) == 0);
}

static void do_no_close(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = create("left");
    MUST(write(fd, buffer, 33) == 33);
    MUST(open("left", O_RDONLY) >= 0);
}

static void *write_four(void *arg) {
    MUST(write((int)(intptr_t)arg, buffer, 4) == 4);
    return NULL;
}

static void do_threads(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = create("shared");
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) MUST(pthread_create(&threads[i], NULL, write_four, (void *)(intptr_t)fd) == 0);
    for (int i = 0; i < 3; i++) MUST(pthread_join(threads[i], NULL) == 0);
    MUST(close(fd) == 0);
}

// A descriptor sent through a socket: the receiver never opened the file.
static void do_pass(int argc, char **argv) {
    (void)argc, (void)argv;
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t child = fork();
    MUST(child >= 0);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec one = {buffer, 1};
    struct msghdr msg = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (child == 0) {
        MUST(recvmsg(pair[1], &msg, 0) == 1);
        int fd;
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
        MUST(write(fd, buffer, 9) == 9);
        MUST(close(fd) == 0);
        _exit(0);
    }
    FACT("child", "%d", child);
    int fd = create("passed");
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    MUST(sendmsg(pair[0], &msg, 0) == 1);
    MUST(close(fd) == 0);
    MUST(wait_for(child) == 0);
}

static void do_mmap(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("mapped", 8192);
    int fd = open("mapped", O_RDWR);
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    MUST(shared != MAP_FAILED);
    shared[0] = 'y';
    char *private = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
    MUST(private != MAP_FAILED && private[4096] == 'y');
    MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    MUST(close(fd) == 0);
    fd = open("mapped", O_RDONLY);
    FAILS((long)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    MUST(close(fd) == 0);
}

// A million small calls must not cost a million records.
static void do_busy(int argc, char **argv) {
    MUST(argc == 1);
    long count = atol(argv[0]);
    int fd = create("busy");
    for (long i = 0; i < count; i++) MUST(write(fd, buffer, 1) == 1);
    MUST(close(fd) == 0);
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"calls", do_calls},     {"transfers", do_transfers},     {"dup", do_dup},
        {"dup-over", do_dup_over}, {"close-range", do_close_range}, {"inherit", do_inherit},
        {"no-close", do_no_close}, {"threads", do_threads},         {"pass", do_pass},
        {"mmap", do_mmap},       {"busy", do_busy},               {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
