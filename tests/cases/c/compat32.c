// 32-bit system calls from a 64-bit program: `int 0x80` takes the i386 numbers.
#include "case.h"

static long call32(long number, long a, long b, long c) {
    long ret;
    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return (int)ret;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--probe") == 0) return call32(20, 0, 0, 0) == getpid() ? 0 : 1;
    char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    MUST(low != MAP_FAILED);
    strcpy(low, "compat-file");
    strcpy(low + 100, "compat-moved");
    strcpy(low + 200, "compat-dir");
    strcpy(low + 300, "compat-missing");
    long fd = call32(5 /* open */, (long)low, O_CREAT | O_RDWR, 0600);
    MUST(fd >= 0);
    MUST(call32(4 /* write */, fd, (long)low, 11) == 11);
    MUST(call32(6 /* close */, fd, 0, 0) == 0);
    MUST(call32(38 /* rename */, (long)low, (long)low + 100, 0) == 0);
    MUST(call32(39 /* mkdir */, (long)low + 200, 0711, 0) == 0);
    MUST(call32(10 /* unlink */, (long)low + 100, 0, 0) == 0);
    MUST(call32(5 /* open */, (long)low + 300, O_RDONLY, 0) == -ENOENT);
    long child = call32(2 /* fork */, 0, 0, 0);
    MUST(child >= 0);
    if (child == 0) call32(1 /* exit */, 3, 0, 0);
    FACT("child", "%ld", child);
    MUST(WEXITSTATUS(wait_for(child)) == 3);
    return 0;
}
