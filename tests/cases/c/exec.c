// What execve can be given: long vectors, odd bytes, scripts, descriptors, files that exist in memory only.
#include "case.h"

static char self[PATH_MAX];

static void copy_to(int to) {
    int from = open(self, O_RDONLY | O_CLOEXEC);
    MUST(from >= 0);
    struct stat stat;
    MUST(fstat(from, &stat) == 0);
    for (off_t left = stat.st_size; left > 0;) {
        char block[65536];
        ssize_t n = read(from, block, sizeof block);
        MUST(n > 0 && write(to, block, n) == n);
        left -= n;
    }
    close(from);
}

static void script(const char *path, const char *text) {
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void do_end(int argc, char **argv) {
    (void)argc, (void)argv;
}

static void do_args1000(int argc, char **argv) {
    (void)argc, (void)argv;
    static char text[1000][12];
    char *args[1003] = {"again", "end"};
    for (int i = 2; i < 1002; i++) {
        snprintf(text[i - 2], sizeof text[0], "arg%d", i);
        args[i] = text[i - 2];
    }
    execv(self, args);
    MUST(!"exec");
}

static void do_args200k(int argc, char **argv) {
    (void)argc, (void)argv;
    char *first = malloc(100001), *second = malloc(100001);
    memset(first, 'a', 100000);
    memset(second, 'b', 100000);
    first[100000] = second[100000] = 0;
    char *args[] = {"again", "end", first, second, "last", NULL};
    execv(self, args);
    MUST(!"exec");
}

// More than an event stream carries: the vector is cut and says so.
static void do_args600k(int argc, char **argv) {
    (void)argc, (void)argv;
    char *args[10] = {"again", "end"};
    for (int i = 2; i < 8; i++) {
        args[i] = malloc(100001);
        memset(args[i], 'a' + i, 100000);
        args[i][100000] = 0;
    }
    execv(self, args);
    MUST(!"exec");
}

static void do_args_empty(int argc, char **argv) {
    (void)argc, (void)argv;
    char *args[] = {"again", "end", "", "a b", "new\nline", "", NULL};
    execv(self, args);
    MUST(!"exec");
}

static void do_bytes(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = open("pro\xff\xfe", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    MUST(fd >= 0);
    copy_to(fd);
    close(fd);
    char *args[] = {"again", "end", "\xc3\x28\\", NULL};
    execv("./pro\xff\xfe", args);
    MUST(!"exec");
}

static void do_script(int argc, char **argv) {
    (void)argc, (void)argv;
    char text[PATH_MAX + 16];
    snprintf(text, sizeof text, "#!%s end\n", self);
    script("one.script", text);
    execl("./one.script", "name", "argument", NULL);
    MUST(!"exec");
}

static void do_nested(int argc, char **argv) {
    (void)argc, (void)argv;
    char text[PATH_MAX + 16];
    snprintf(text, sizeof text, "#!%s end\n", self);
    script("inner", text);
    script("outer", "#!./inner\n");
    execl("./outer", "name", NULL);
    MUST(!"exec");
}

static void do_fexecve(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    char *args[] = {"again", "end", NULL}, *env[] = {NULL};
    MUST(fd >= 0);
    syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
    MUST(!"exec");
}

static void do_execveat(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("sub", 0755) == 0);
    int fd = open("sub/prog", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    MUST(fd >= 0);
    copy_to(fd);
    close(fd);
    int dir = open("sub", O_RDONLY | O_DIRECTORY);
    char *args[] = {"again", "end", NULL}, *env[] = {NULL};
    MUST(dir >= 0);
    syscall(SYS_execveat, dir, "prog", args, env, 0);
    MUST(!"exec");
}

static void do_memfd(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = memfd_create("program", MFD_CLOEXEC);
    MUST(fd >= 0);
    copy_to(fd);
    char *args[] = {"again", "end", NULL}, *env[] = {NULL};
    syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
    MUST(!"exec");
}

static void do_deleted(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = open("gone", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    MUST(fd >= 0);
    copy_to(fd);
    close(fd);
    fd = open("gone", O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && unlink("gone") == 0);
    char *args[] = {"again", "end", NULL}, *env[] = {NULL};
    syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
    MUST(!"exec");
}

static void do_failed(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("plain", 10);
    script("garbage", "no program\n");
    char *args[] = {"x", NULL}, *env[] = {NULL};
    FAILS(execve("./missing", args, env), ENOENT);
    FAILS(execve("./plain", args, env), EACCES);
    FAILS(execve("./garbage", args, env), ENOEXEC);
    FAILS(execve("plain/below", args, env), ENOTDIR);
    FAILS(execve(".", args, env), EACCES);
}

static void do_cloexec(int argc, char **argv) {
    (void)argc, (void)argv;
    int closed = open("closed", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    int kept = open("kept", O_CREAT | O_WRONLY, 0644);
    MUST(closed >= 0 && kept >= 0);
    MUST(write(closed, "12345", 5) == 5 && write(kept, "123", 3) == 3);
    char number[16];
    snprintf(number, sizeof number, "%d", kept);
    execl(self, "again", "write", number, NULL);
    MUST(!"exec");
}

// A failed exec closes nothing.
static void do_cloexec_failed(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = open("held", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    char *args[] = {"x", NULL}, *env[] = {NULL};
    MUST(fd >= 0);
    FAILS(execve("./missing", args, env), ENOENT);
    MUST(write(fd, "abc", 3) == 3);
    MUST(close(fd) == 0);
}

static void do_write(int argc, char **argv) {
    MUST(argc == 1);
    MUST(write(atoi(argv[0]), "4567", 4) == 4);
}

static void do_chain(int argc, char **argv) {
    MUST(argc == 1);
    int left = atoi(argv[0]);
    if (left == 0) return;
    char number[16];
    snprintf(number, sizeof number, "%d", left - 1);
    execl(self, "link", "chain", number, NULL);
    MUST(!"exec");
}

int main(int argc, char **argv) {
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    MUST(n > 0);
    FACT("self", "%d", getpid());
    const struct sub subs[] = {
        {"end", do_end},
        {"args1000", do_args1000},
        {"args200k", do_args200k},
        {"args600k", do_args600k},
        {"args-empty", do_args_empty},
        {"bytes", do_bytes},
        {"script", do_script},
        {"nested", do_nested},
        {"fexecve", do_fexecve},
        {"execveat", do_execveat},
        {"memfd", do_memfd},
        {"deleted", do_deleted},
        {"failed", do_failed},
        {"cloexec", do_cloexec},
        {"cloexec-failed", do_cloexec_failed},
        {"write", do_write},
        {"chain", do_chain},
        {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
