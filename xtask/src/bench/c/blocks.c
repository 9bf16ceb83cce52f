// Writes MIB mebibytes of what is in SOURCE to OUT in calls of 64 KiB, and says how many seconds of processor time that took,
// and on the last line how many seconds.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 65536 };

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int in = open(argv[1], O_RDONLY);
    struct stat info;
    if (in < 0 || fstat(in, &info) != 0 || info.st_size < BLOCK) return 1;
    long blocks = info.st_size / BLOCK;
    char *data = malloc(blocks * BLOCK);
    for (long done = 0; data && done < blocks * BLOCK;) {
        ssize_t got = read(in, data + done, blocks * BLOCK - done);
        if (got <= 0) return 1;
        done += got;
    }
    int out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!data || out < 0) return 1;
    long count = atol(argv[3]) * (1048576 / BLOCK);
    struct timespec start, end;
    double cpu_start = cpu();
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < count; i++) {
        if (write(out, data + i % blocks * BLOCK, BLOCK) != BLOCK) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", cpu() - cpu_start);
    printf("%.6f\n", (end.tv_sec - start.tv_sec) + (end.tv_nsec - start.tv_nsec) / 1e9);
    return unlink(argv[2]) != 0;
}
