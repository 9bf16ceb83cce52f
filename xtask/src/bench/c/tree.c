// COUNT children that live at the same time, or (with a second argument) one after the other.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int count = atoi(argv[1]), in_turn = argc > 2, hold[2];
    char byte;
    if (pipe(hold) != 0) return 1;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) return 1;
        if (child == 0) {
            close(hold[1]);
            // Until the parent lets go.
            _exit(!in_turn && read(hold[0], &byte, 1) != 0);
        }
        if (in_turn && waitpid(child, NULL, 0) != child) return 1;
    }
    close(hold[1]);
    while (wait(NULL) > 0) {
    }
    return 0;
}
