// What the programs of the cases share: they stop at the first surprise, so that a case that passed did what
// it says, and they tell facts (`name=value`) that the patterns of the case can name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// Ends the program with status 99 and a line when `ok` does not hold.
#define MUST(ok)                                                                                       \
    do {                                                                                               \
        if (!(ok)) {                                                                                   \
            dprintf(2, "%s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #ok, errno, strerror(errno)); \
            _exit(99);                                                                                 \
        }                                                                                              \
    } while (0)

// The call must fail with this errno.
#define FAILS(call, want)                                                                          \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long fails_ret = (long)(call);                                                             \
        if (fails_ret != -1 || errno != (want)) {                                                  \
            dprintf(2, "%s:%d: %s gave %ld, errno %d\n", __FILE__, __LINE__, #call, fails_ret, errno); \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

// One line in one write, so that lines of several processes do not mix.
#define FACT(name, format, value) dprintf(1, name "=" format "\n", value)

static inline int create(const char *path) {
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644);
    MUST(fd >= 0);
    return fd;
}

// A file with `size` bytes in it.
__attribute__((unused)) static void fill(const char *path, size_t size) {
    int fd = create(path);
    char block[1024];
    memset(block, 'x', sizeof block);
    for (size_t done = 0; done < size;) {
        size_t part = size - done < sizeof block ? size - done : sizeof block;
        MUST(write(fd, block, part) == (ssize_t)part);
        done += part;
    }
    MUST(close(fd) == 0);
}

__attribute__((unused)) static int wait_for(pid_t child) {
    int status;
    pid_t got;
    while ((got = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    }
    MUST(got == child);
    return status;
}

struct sub {
    const char *name;
    void (*run)(int argc, char **argv);
};

// Runs the part that the first argument names.
static inline int dispatch(const struct sub *subs, int argc, char **argv) {
    MUST(argc > 1);
    for (; subs->name; subs++) {
        if (strcmp(subs->name, argv[1]) == 0) {
            subs->run(argc - 2, argv + 2);
            return 0;
        }
    }
    dprintf(2, "no part %s\n", argv[1]);
    return 98;
}
