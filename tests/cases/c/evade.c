// Ways around a policy by paths. `evade WAY DIR` tries one: in DIR lies `denied/secret`, which may be neither read nor written, and
// `denied/tool`, which may not be executed; `open/` is free. Ends with 0 when it was refused with EPERM, with 1 when it got through,
// with 77 when this kernel has no such way, with 99 when it could not be tried.
#include "case.h"
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define GOT_THROUGH 1
#define NO_SUCH_WAY 77
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#define RACES 2000
#define LEVELS 300

static int refused(long result) {
    if (result >= 0) return GOT_THROUGH;
    if (errno == ENOSYS) return NO_SUCH_WAY;
    MUST(errno == EPERM);
    return 0;
}

static int read_of(const char *path) { return refused(open(path, O_RDONLY)); }

static int by_name(void) { return read_of("denied/secret"); }
static int by_write(void) { return refused(open("denied/secret", O_WRONLY)); }
static int by_truncating_open(void) { return refused(open("denied/secret", O_RDONLY | O_TRUNC)); }

static int by_symlink(void) {
    MUST(symlink("../denied/secret", "open/link") == 0);
    return read_of("open/link");
}

static int by_symlinked_directory(void) {
    MUST(symlink("../denied", "open/dir") == 0);
    return read_of("open/dir/secret");
}

static int by_hard_link(void) { return refused(link("denied/secret", "open/hard")); }
static int by_linkat_of_descriptor(void) {
    int fd = open("denied/secret", O_PATH);
    MUST(fd >= 0);
    return refused(linkat(fd, "", AT_FDCWD, "open/hard", AT_EMPTY_PATH));
}
static int by_rename(void) { return refused(rename("denied/secret", "open/moved")); }
static int by_rename_of_directory(void) { return refused(rename("denied", "open/moved")); }
static int by_exchange(void) {
    close(create("open/other"));
    return refused(syscall(SYS_renameat2, AT_FDCWD, "open/other", AT_FDCWD, "denied/secret", 2));
}
static int by_unlink(void) { return refused(unlink("denied/secret")); }
static int by_truncate(void) { return refused(truncate("denied/secret", 0)); }
static int by_chmod(void) { return refused(chmod("denied/secret", 0777)); }
static int by_chown(void) { return refused(chown("denied/secret", 1, 1)); }
static int by_mkdir(void) { return refused(mkdir("denied/new", 0755)); }
static int by_mknod(void) { return refused(mknod("denied/pipe", S_IFIFO | 0644, 0)); }
static int by_create(void) { return refused(open("denied/new", O_CREAT | O_WRONLY, 0644)); }
static int by_making_symlink(void) { return refused(symlink("x", "denied/link")); }
static int by_exec(void) {
    char *argv[] = {"tool", NULL};
    return refused(execv("denied/tool", argv));
}

static int by_proc_root(void) {
    char path[PATH_MAX + 32], dir[PATH_MAX];
    snprintf(path, sizeof path, "/proc/self/root%s/denied/secret", getcwd(dir, sizeof dir));
    return read_of(path);
}

static int by_proc_cwd(void) { return read_of("/proc/self/cwd/denied/secret"); }

// A descriptor that only names the file is opened anew to read.
static int by_proc_fd(void) {
    char path[64];
    int fd = open("denied/secret", O_PATH);
    MUST(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return read_of(path);
}

static int by_bind_mount(void) {
    if (unshare(CLONE_NEWNS) != 0) return NO_SUCH_WAY;
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    MUST(mount("denied", "open", NULL, MS_BIND, NULL) == 0);
    return read_of("open/secret");
}

static int by_bind_mount_of_file(void) {
    if (unshare(CLONE_NEWNS) != 0) return NO_SUCH_WAY;
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    close(create("open/place"));
    MUST(mount("denied/secret", "open/place", NULL, MS_BIND, NULL) == 0);
    return read_of("open/place");
}

static int by_detached_tree(void) {
    int tree = syscall(SYS_open_tree, AT_FDCWD, "denied", 1 /* OPEN_TREE_CLONE */);
    if (tree < 0) return errno == ENOSYS ? NO_SUCH_WAY : refused(tree);
    return refused(openat(tree, "secret", O_RDONLY));
}

static int by_chroot(void) {
    MUST(chroot("denied") == 0 && chdir("/") == 0);
    return read_of("/secret");
}

static int by_chroot_above(void) {
    MUST(chroot(".") == 0 && chdir("/") == 0);
    return read_of("/denied/secret");
}

static int by_openat2(void) {
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
    int dir = open("denied", O_PATH);
    MUST(dir >= 0);
    return refused(syscall(SYS_openat2, dir, "/secret", &how, sizeof how));
}

static int by_openat2_beneath(void) {
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return refused(syscall(SYS_openat2, AT_FDCWD, "open/../denied/secret", &how, sizeof how));
}

// While one process changes what a link leads to, the other opens by it: what it opens must not be the secret.
static int by_race(void) {
    MUST(mkdir("open/free", 0755) == 0);
    fill("open/free/secret", 1);
    MUST(symlink("free", "open/a") == 0 && symlink("../denied", "open/b") == 0);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        for (;;) syscall(SYS_renameat2, AT_FDCWD, "open/a", AT_FDCWD, "open/b", 2 /* RENAME_EXCHANGE */);
    }
    int through = 0, stopped = 0;
    for (int i = 0; i < RACES || (through + stopped == 0 && i < 100 * RACES); i++) {
        char byte = 0;
        int fd = open("open/a/secret", O_RDONLY);
        if (fd < 0) {
            MUST(errno == EPERM || errno == ENOENT);
            stopped += errno == EPERM;
            continue;
        }
        MUST(read(fd, &byte, 1) == 1);
        through += byte == 's';
        close(fd);
    }
    kill(child, SIGKILL);
    MUST(waitpid(child, NULL, 0) == child);
    if (through) return GOT_THROUGH;
    MUST(stopped > 0);
    return 0;
}

// Deeper than any path is followed: `denied/deep/d/d/d/...`, and the secret's own content at its end.
static int deep(const char *name) {
    MUST(chdir("open") == 0);
    for (int i = 0; i < LEVELS; i++) {
        if (mkdir(name, 0755) != 0) return refused(-1);
        MUST(chdir(name) == 0);
    }
    return refused(open("file", O_CREAT | O_WRONLY, 0644));
}

static int by_many_levels(void) { return deep("d"); }
static int by_long_names(void) { return deep("a-name-that-is-rather-long-so-that-the-path-is-long-before-it-is-deep"); }

static void copy_to(int to) {
    static char block[1 << 16];
    int from = open("/proc/self/exe", O_RDONLY);
    MUST(from >= 0 && to >= 0);
    for (ssize_t got; (got = read(from, block, sizeof block)) > 0;) MUST(write(to, block, got) == got);
}

static int by_memfd(void) {
    int fd = memfd_create("tool", 0);
    copy_to(fd);
    char *argv[] = {"tool", "nothing", "/", NULL};
    char *envp[] = {NULL};
    return refused(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

static int by_vfork(void) {
    char *argv[] = {"tool", NULL};
    volatile int result = -1;
    pid_t child = vfork();
    if (child == 0) {
        execv("denied/tool", argv);
        result = errno;
        _exit(0);
    }
    MUST(child > 0 && waitpid(child, NULL, 0) == child);
    errno = result;
    return refused(result == -1 ? 0 : -1);
}

static void *exec_in_thread(void *result) {
    char *argv[] = {"tool", NULL};
    execv("denied/tool", argv);
    *(int *)result = errno;
    return NULL;
}

static int by_thread(void) {
    pthread_t thread;
    int result = -1;
    MUST(pthread_create(&thread, NULL, exec_in_thread, &result) == 0 && pthread_join(thread, NULL) == 0);
    errno = result;
    return refused(-1);
}

static void *read_in_thread(void *result) {
    *(int *)result = open("denied/secret", O_RDONLY) < 0 ? errno : 0;
    return NULL;
}

static int by_thread_open(void) {
    pthread_t thread;
    int result = -1;
    MUST(pthread_create(&thread, NULL, read_in_thread, &result) == 0 && pthread_join(thread, NULL) == 0);
    errno = result;
    return refused(result == 0 ? 0 : -1);
}

static int by_mapping(void) {
    int fd = open("denied/tool", O_RDONLY);
    MUST(fd >= 0);
    return refused(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

static int by_mprotect(void) {
    int fd = open("denied/tool", O_RDONLY);
    MUST(fd >= 0);
    void *code = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    MUST(code != MAP_FAILED);
    return refused(mprotect(code, 4096, PROT_READ | PROT_EXEC));
}

// What another process opened comes over a socket.
static int by_received_descriptor(void) {
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "open/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(fd >= 0 && connect(fd, (void *)&address, sizeof address) == 0 && recvmsg(fd, &message, 0) == 1);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_len < CMSG_LEN(sizeof(int))) return 0;
    MUST(read(*(int *)CMSG_DATA(head), &byte, 1) == 1);
    return GOT_THROUGH;
}

static int by_uring(void) {
    struct io_uring_params params = {0};
    int ring = syscall(SYS_io_uring_setup, 1, &params);
    if (ring < 0) return NO_SUCH_WAY;
    char *queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    char *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
    struct io_uring_sqe *request = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    MUST(queue != MAP_FAILED && done != MAP_FAILED && (void *)request != MAP_FAILED);
    *request = (struct io_uring_sqe){
        .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) "denied/secret", .open_flags = O_RDONLY};
    *(unsigned *)(queue + params.sq_off.array) = 0;
    __atomic_store_n((unsigned *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
    MUST(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
    int result = ((struct io_uring_cqe *)(done + params.cq_off.cqes))->res;
    errno = -result;
    return refused(result < 0 ? -1 : 0);
}

// A process outside.
static int outside(void) {
    int pid;
    FILE *file = fopen("open/pid", "r");
    MUST(file != NULL && fscanf(file, "%d", &pid) == 1);
    return pid;
}

static int by_ptrace(void) {
    int pid = outside();
    return refused(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
}

static int by_memory(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", outside());
    int result = open(path, O_RDWR);
    // The kernel says EACCES there whatever a security module says.
    if (result < 0 && errno == EACCES) return 0;
    return refused(result);
}

static int by_argv(char **argv) {
    memset(argv[1], 'x', strlen(argv[1]));
    prctl(PR_SET_NAME, "harmless");
    return by_name();
}

static int by_mount(void) {
    if (unshare(CLONE_NEWNS) != 0) return NO_SUCH_WAY;
    return refused(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

// What is not denied works, and neighbours of what is denied do.
static int by_nothing(void) {
    fill("open/file", 100);
    MUST(rename("open/file", "open/other") == 0 && link("open/other", "open/third") == 0);
    MUST(chmod("open/third", 0600) == 0 && truncate("open/third", 1) == 0 && unlink("open/third") == 0);
    MUST(mkdir("open/d", 0755) == 0 && rename("open/d", "open/e") == 0 && rmdir("open/e") == 0);
    MUST(symlink("x", "open/l") == 0 && mkfifo("open/p", 0600) == 0);
    MUST(open("denied-not", O_CREAT | O_RDWR, 0600) >= 0 && open("/dev/null", O_RDWR) >= 0);
    int pipes[2];
    char path[64];
    MUST(pipe(pipes) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", pipes[1]);
    MUST(open(path, O_WRONLY) >= 0);
    int fd = memfd_create("data", 0);
    MUST(fd >= 0 && write(fd, "x", 1) == 1);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    MUST(code != MAP_FAILED);
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*try)(void);
    } ways[] = {
#define WAY(name) {#name, by_##name}
        WAY(name), WAY(write), WAY(truncating_open), WAY(symlink), WAY(symlinked_directory), WAY(hard_link),
        WAY(linkat_of_descriptor), WAY(rename), WAY(rename_of_directory), WAY(exchange), WAY(unlink), WAY(truncate),
        WAY(chmod), WAY(chown), WAY(mkdir), WAY(mknod), WAY(create), WAY(making_symlink), WAY(exec), WAY(proc_root),
        WAY(proc_cwd), WAY(proc_fd), WAY(bind_mount), WAY(bind_mount_of_file), WAY(detached_tree), WAY(chroot),
        WAY(chroot_above), WAY(openat2), WAY(openat2_beneath), WAY(race), WAY(many_levels), WAY(long_names),
        WAY(memfd), WAY(vfork), WAY(thread), WAY(thread_open), WAY(mapping), WAY(mprotect), WAY(received_descriptor),
        WAY(uring), WAY(ptrace), WAY(memory), WAY(mount), WAY(nothing),
    };
    MUST(argc == 3 && chdir(argv[2]) == 0);
    if (strcmp(argv[1], "argv") == 0) return by_argv(argv);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(argv[1], ways[i].name) == 0) return ways[i].try();
    }
    MUST(!"a way");
}
