// A process with an open file, a thread and a child that are there before anybody watches; they act when `go` appears.
#include "case.h"

static void await_go(void) {
    while (access("go", F_OK) != 0) usleep(5000);
}

static void *thread(void *arg) {
    await_go();
    close(create("by-thread"));
    return arg;
}

int main(void) {
    pthread_t other;
    int held = create("held");
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        await_go();
        close(create("by-child"));
        _exit(6);
    }
    MUST(pthread_create(&other, NULL, thread, NULL) == 0);
    close(create("ready"));
    await_go();
    MUST(write(held, "12345", 5) == 5);
    MUST(pthread_join(other, NULL) == 0);
    MUST(WEXITSTATUS(wait_for(child)) == 6);
    return 0;
}
