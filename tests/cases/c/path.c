// Calls that name a path without opening it.
#include "case.h"
#include <linux/fs.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int open_dir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    MUST(fd >= 0);
    return fd;
}

static void do_unlink(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0 && mkdir("empty", 0755) == 0);
    fill("a", 1), fill("dir/b", 1), fill("dir/sub/c", 1);
    MUST(symlink("a", "link") == 0);
    int dir = open_dir("dir");
    FACT("dirfd", "%d", dir);
    MUST(unlink("link") == 0);
    MUST(syscall(SYS_unlink, "a") == 0);
    MUST(unlinkat(dir, "b", 0) == 0);
    MUST(unlinkat(AT_FDCWD, "./dir/../dir/sub/c", 0) == 0);
    MUST(unlinkat(dir, "sub", AT_REMOVEDIR) == 0);
    MUST(syscall(SYS_rmdir, "empty") == 0);
    FAILS(unlink("a"), ENOENT);
    FAILS(unlink("dir"), EISDIR);
    fill("dir/full", 1);
    FAILS(rmdir("dir"), ENOTEMPTY);
}

static void do_rename(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0);
    fill("one", 1), fill("from/two", 1), fill("three", 1), fill("four", 1), fill("five", 1);
    int from = open_dir("from"), to = open_dir("to");
    MUST(syscall(SYS_rename, "one", "uno") == 0);
    MUST(syscall(SYS_renameat, from, "two", to, "due") == 0);
    MUST(renameat2(AT_FDCWD, "three", AT_FDCWD, "four", RENAME_EXCHANGE) == 0);
    FAILS(renameat2(AT_FDCWD, "five", AT_FDCWD, "four", RENAME_NOREPLACE), EEXIST);
    MUST(rename("four", "five") == 0);
    FAILS(rename("missing", "new"), ENOENT);
    MUST(rename("from", "to/moved") == 0);
}

static void do_links(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("dir", 0755) == 0);
    fill("file", 1);
    int dir = open_dir("dir");
    MUST(syscall(SYS_link, "file", "hard") == 0);
    MUST(linkat(AT_FDCWD, "file", dir, "hard2", 0) == 0);
    MUST(syscall(SYS_symlink, "../any/where", "soft") == 0);
    MUST(symlinkat("target text", dir, "soft2") == 0);
    FAILS(link("file", "hard"), EEXIST);
    FAILS(symlink("x", "hard"), EEXIST);
    FAILS(link("missing", "new"), ENOENT);
}

static void do_mkdir(int argc, char **argv) {
    (void)argc, (void)argv;
    umask(0);
    MUST(syscall(SYS_mkdir, "one", 0750) == 0);
    int dir = open_dir("one");
    MUST(mkdirat(dir, "two", 0700) == 0);
    MUST(mkdir("one/two/three/", 0711) == 0);
    FAILS(mkdir("one", 0755), EEXIST);
    FAILS(mkdir("no/where", 0755), ENOENT);
}

static void do_mknod(int argc, char **argv) {
    (void)argc, (void)argv;
    umask(0);
    MUST(mkdir("dir", 0755) == 0);
    int dir = open_dir("dir");
    MUST(syscall(SYS_mknod, "pipe", S_IFIFO | 0600, 0) == 0);
    MUST(mkfifo("dir/pipe2", 0644) == 0);
    MUST(syscall(SYS_mknodat, dir, "file", S_IFREG | 0640, 0) == 0);
    MUST(mknod("dir/../socket", S_IFSOCK | 0755, 0) == 0);
    FAILS(mkfifo("pipe", 0600), EEXIST);
    FAILS(mkfifo("no/where", 0600), ENOENT);
    MUST(mknod("null", S_IFCHR | 0666, 1 << 8 | 3) == 0);
}

static void do_attributes(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("dir", 0755) == 0);
    fill("file", 10), fill("dir/inner", 10);
    MUST(symlink("file", "link") == 0);
    int dir = open_dir("dir"), fd = open("file", O_RDWR);
    FACT("fd", "%d", fd);
    MUST(syscall(SYS_chmod, "file", 0600) == 0);
    MUST(fchmod(fd, 0640) == 0);
    MUST(fchmodat(dir, "inner", 0444, 0) == 0);
    MUST(chmod("link", 0666) == 0);
    MUST(syscall(SYS_truncate, "dir/inner", 5L) == 0);
    MUST(ftruncate(fd, 1234) == 0);
    MUST(truncate("link", 77) == 0);
    FAILS(chmod("missing", 0600), ENOENT);
    FAILS(truncate("dir", 1), EISDIR);
}

static void do_fchmodat2(int argc, char **argv) {
    (void)argc, (void)argv;
    fill("file", 1);
    MUST(syscall(SYS_fchmodat2, AT_FDCWD, "file", 0604, 0) == 0);
    int fd = open("file", O_PATH);
    MUST(syscall(SYS_fchmodat2, fd, "", 0606, AT_EMPTY_PATH) == 0);
}

static void do_chown(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("dir", 0755) == 0);
    fill("file", 1), fill("dir/inner", 1);
    MUST(symlink("file", "link") == 0);
    int dir = open_dir("dir"), fd = open("file", O_RDWR);
    MUST(syscall(SYS_chown, "file", 1001, 1002) == 0);
    MUST(syscall(SYS_lchown, "link", 1003, -1) == 0);
    MUST(fchown(fd, -1, 1004) == 0);
    MUST(fchownat(dir, "inner", 1005, 1006, 0) == 0);
    MUST(fchownat(AT_FDCWD, "link", 1007, 1008, AT_SYMLINK_NOFOLLOW) == 0);
    MUST(fchownat(fd, "", 1009, 1010, AT_EMPTY_PATH) == 0);
    MUST(chown("link", 1011, 1012) == 0);
    FAILS(chown("missing", 1, 1), ENOENT);
}

// The directory on the way is a symbolic link, in each place where one can stand.
static void do_through_links(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(mkdir("real", 0755) == 0 && mkdir("real/sub", 0755) == 0 && symlink("real", "via") == 0);
    MUST(symlink("../real/sub", "real/back") == 0);
    fill("real/a", 1), fill("real/b", 1), fill("real/sub/c", 1), fill("real/d", 9);
    MUST(unlink("via/a") == 0);
    MUST(rename("via/b", "via/back/b2") == 0);
    MUST(mkdir("via/made", 0755) == 0);
    MUST(link("via/back/c", "via/c2") == 0);
    MUST(symlink("x", "via/soft") == 0);
    MUST(chmod("via/d", 0600) == 0);
    MUST(truncate("via/d", 3) == 0);
    MUST(chdir("via/back") == 0);
    MUST(mkdir("here", 0755) == 0);
    MUST(unlink("../sub/../sub/c") == 0);
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"unlink", do_unlink},         {"rename", do_rename},       {"links", do_links},
        {"mkdir", do_mkdir},           {"mknod", do_mknod},        {"attributes", do_attributes}, {"fchmodat2", do_fchmodat2},
        {"chown", do_chown},           {"through-links", do_through_links}, {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
