// Opens: flags, failures, and the many ways in which a string is not the path of the file.
#include "case.h"
#include <linux/openat2.h>
#include <sys/mount.h>

static void do_flags(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(close(creat("made", 0640)) == 0);
    MUST(close(open("made", O_RDONLY)) == 0);
    MUST(close(open("made", O_WRONLY | O_APPEND)) == 0);
    MUST(close(open("made", O_RDWR | O_CLOEXEC | O_SYNC)) == 0);
    MUST(close(open("made", O_RDWR | O_TRUNC | O_NONBLOCK)) == 0);
    MUST(close(open("fresh", O_RDWR | O_CREAT | O_EXCL, 0600)) == 0);
    MUST(close(open(".", O_RDONLY | O_DIRECTORY)) == 0);
    MUST(close(open("made", O_PATH | O_NOFOLLOW)) == 0);
    struct stat stat_buf;
    MUST(stat("made", &stat_buf) == 0);
    FACT("inode", "%lu", stat_buf.st_ino);
    FACT("dev", "%lu", stat_buf.st_dev);
}

static void do_old_open(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("file", 3);
    MUST(close(syscall(SYS_open, "file", O_RDWR)) == 0);
    MUST(close(syscall(SYS_creat, "creat", 0600)) == 0);
}

static void do_openat(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0);
    fill("dir/sub/file", 3);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    MUST(dir >= 0);
    FACT("dirfd", "%d", dir);
    MUST(close(openat(dir, "sub/file", O_RDONLY)) == 0);
    MUST(close(openat(dir, "sub/../sub/./file", O_WRONLY)) == 0);
    FAILS(openat(dir, "sub/none", O_RDONLY), ENOENT);
}

static void do_openat2(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("file", 3);
    MUST(symlink("file", "link") == 0);
    struct open_how how = {.flags = O_RDWR};
    MUST(close(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how)) == 0);
    how.resolve = RESOLVE_NO_SYMLINKS;
    FAILS(syscall(SYS_openat2, AT_FDCWD, "link", &how, sizeof how), ELOOP);
    how.flags = O_CREAT | O_WRONLY;
    how.mode = 0600;
    MUST(close(syscall(SYS_openat2, AT_FDCWD, "born", &how, sizeof how)) == 0);
}

static void do_tmpfile(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    MUST(fd >= 0 && write(fd, "abcd", 4) == 4);
    char proc[32];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    MUST(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
    MUST(close(fd) == 0);
}

static void do_failed(int argc, char **argv) {
    (void)argc, (void)argv;
    static char long_name[300];
    memset(long_name, 'n', 299);
    fill("file", 1);
    MUST(symlink("file", "link") == 0 && symlink("loop", "loop") == 0 && mkdir("dir", 0755) == 0);
    FAILS(open("missing", O_RDONLY), ENOENT);
    FAILS(open("none/missing", O_RDONLY), ENOENT);
    FAILS(open("file/below", O_RDONLY), ENOTDIR);
    FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    FAILS(open("loop", O_RDONLY), ELOOP);
    FAILS(open("dir", O_WRONLY), EISDIR);
    FAILS(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
    FAILS(open(long_name, O_RDONLY), ENAMETOOLONG);
    FAILS(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY), EFAULT);
    FAILS(openat(77, "relative", O_RDONLY), EBADF);
    FAILS(open("", O_RDONLY), ENOENT);
}

static void do_denied(int argc, char **argv) {
    (void)argc, (void)argv;
    FAILS(open("secret", O_RDONLY), EACCES);
    FAILS(open("closed/file", O_RDONLY), EACCES);
    FAILS(open("readable", O_WRONLY), EACCES);
    MUST(close(open("readable", O_RDONLY)) == 0);
}

static void do_symlinks(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("real", 0755) == 0 && mkdir("real/deep", 0755) == 0);
    fill("real/deep/file", 4);
    MUST(symlink("real/deep/file", "one") == 0);
    MUST(symlink("one", "two") == 0);
    MUST(symlink("real", "dirlink") == 0);
    char absolute[PATH_MAX];
    MUST(getcwd(absolute, sizeof absolute - 16) != NULL);
    strcat(absolute, "/real/deep");
    MUST(symlink(absolute, "far") == 0);
    MUST(close(open("two", O_RDONLY)) == 0);
    MUST(close(open("dirlink/deep/file", O_RDONLY)) == 0);
    MUST(close(open("far/../deep/file", O_WRONLY)) == 0);
    MUST(close(open("dirlink/new", O_CREAT | O_WRONLY, 0600)) == 0);
}

static void do_hardlink(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("first", 4);
    MUST(link("first", "second") == 0);
    struct stat stat_buf;
    MUST(stat("first", &stat_buf) == 0);
    FACT("inode", "%lu", stat_buf.st_ino);
    FACT("dev", "%lu", stat_buf.st_dev);
    MUST(close(open("second", O_RDONLY)) == 0);
}

static void do_rename_parent(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("before", 0755) == 0);
    int fd = create("before/file");
    int dir = open("before", O_RDONLY | O_DIRECTORY);
    MUST(dir >= 0 && rename("before", "after") == 0);
    MUST(write(fd, "xyz", 3) == 3);
    MUST(close(fd) == 0);
    MUST(close(openat(dir, "file", O_RDONLY)) == 0);
}

static void private_mounts(void) {
    MUST(unshare(CLONE_NEWNS) == 0);
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void do_bind(int argc, char **argv) {
    (void)argc, (void)argv;
    private_mounts();
    MUST(mkdir("source", 0755) == 0 && mkdir("mounted", 0755) == 0);
    fill("source/file", 4);
    MUST(mount("source", "mounted", NULL, MS_BIND, NULL) == 0);
    MUST(close(open("mounted/file", O_RDONLY)) == 0);
    MUST(close(open("source/file", O_RDONLY)) == 0);
    fill("over", 2);
    fill("under", 2);
    MUST(mount("over", "under", NULL, MS_BIND, NULL) == 0);
    MUST(close(open("under", O_RDONLY)) == 0);
}

static void do_tmpfs(int argc, char **argv) {
    (void)argc, (void)argv;
    private_mounts();
    MUST(mkdir("mnt", 0755) == 0);
    MUST(mount("none", "mnt", "tmpfs", 0, NULL) == 0);
    MUST(mkdir("mnt/sub", 0755) == 0);
    fill("mnt/sub/file", 6);
    MUST(unlink("mnt/sub/file") == 0);
}

static void do_chroot(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("jail", 0755) == 0 && mkdir("jail/etc", 0755) == 0);
    MUST(chroot("jail") == 0 && chdir("/") == 0);
    fill("/etc/inside", 5);
    MUST(close(open("etc/inside", O_RDONLY)) == 0);
    MUST(mkdir("/made", 0755) == 0);
    FAILS(open("/etc/missing", O_RDONLY), ENOENT);
    MUST(rename("/etc/inside", "/etc/moved") == 0);
}

static void do_proc(int argc, char **argv) {
    (void)argc, (void)argv;
    char path[PATH_MAX], cwd[PATH_MAX / 2];
    fill("file", 4);
    MUST(getcwd(cwd, sizeof cwd) != NULL);
    FACT("self", "%d", getpid());
    snprintf(path, sizeof path, "/proc/self/root%s/file", cwd);
    MUST(close(open(path, O_RDONLY)) == 0);
    MUST(close(open("/proc/self/cwd/file", O_WRONLY)) == 0);
    int fd = open("file", O_RDONLY);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    MUST(close(open(path, O_RDWR)) == 0);
    MUST(close(open("/proc/self/stat", O_RDONLY)) == 0);
    MUST(close(open("/dev/null", O_RDWR)) == 0);
}

static void do_deleted(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = create("doomed");
    MUST(unlink("doomed") == 0);
    MUST(write(fd, "12345678", 8) == 8);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    MUST(close(open(path, O_RDONLY)) == 0);
    MUST(close(fd) == 0);
}

static void do_memfd(int argc, char **argv) {
    (void)argc, (void)argv;
    int fd = memfd_create("memory", 0);
    MUST(fd >= 0 && ftruncate(fd, 100) == 0);
    MUST(pwrite(fd, "hello", 5, 0) == 5);
    MUST(close(fd) == 0);
}

static void nest(int count, const char *name) {
    for (int i = 0; i < count; i++) {
        MUST(mkdir(name, 0755) == 0 && chdir(name) == 0);
    }
}

static void do_deep(int argc, char **argv) {
    MUST(argc == 1);
    nest(atoi(argv[0]), "d");
    fill("leaf", 2);
    MUST(unlink("leaf") == 0);
    fill("stays", 2);
}

static void do_long(int argc, char **argv) {
    (void)argc, (void)argv;
    char name[201];
    memset(name, 'L', 200);
    name[200] = 0;
    nest(30, name);
    fill("leaf", 2);
}

static void do_bytes(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("na\xefme\\", 2);
    fill("new\nline \"quoted\"", 2);
    fill("\xc3\xa4\xe2\x82\xac", 2);
    MUST(rename("na\xefme\\", "to\xff") == 0);
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"flags", do_flags},       {"old-open", do_old_open}, {"openat", do_openat},
        {"openat2", do_openat2},   {"tmpfile", do_tmpfile},   {"failed", do_failed},
        {"denied", do_denied},     {"symlinks", do_symlinks}, {"hardlink", do_hardlink},
        {"rename-parent", do_rename_parent},                  {"bind", do_bind},
        {"tmpfs", do_tmpfs},       {"chroot", do_chroot},     {"proc", do_proc},
        {"deleted", do_deleted},   {"memfd", do_memfd},       {"deep", do_deep},
        {"long", do_long},         {"bytes", do_bytes},       {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
