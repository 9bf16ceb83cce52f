// Makes two events (an open and a close) at a time, RATE events a second (0: as fast as it goes) for SECONDS, and writes
// to FILE how many pairs it made.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 4 || !freopen(argv[3], "w", stdout)) return 2;
    long long rate = atoll(argv[1]) / 2, length_ns = atof(argv[2]) * 1e9, start = now_ns(), pairs = 0;
    for (;;) {
        long long passed = now_ns() - start;
        if (passed >= length_ns) break;
        // Ten times a millisecond, what is due by then.
        long long due = rate ? (long long)((double)passed * rate / 1e9) : pairs + 1000;
        for (; pairs < due; pairs++) {
            int fd = open("/dev/null", O_RDONLY);
            if (fd < 0 || close(fd) != 0) return 1;
        }
        if (rate) usleep(100);
    }
    printf("%lld\n", pairs);
    return 0;
}
