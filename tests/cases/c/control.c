// Signals and job control: a program that can tell when somebody interferes.
#include "case.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/time.h>

static volatile sig_atomic_t seen;
static volatile sig_atomic_t sender;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    seen = number;
    sender = info->si_pid;
}

static void handle(int number, int flags) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    MUST(sigaction(number, &action, NULL) == 0);
}

// Stopped, continued, stopped again, killed: the parent sees each change once.
static void do_stop(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t child = fork();
    int status;
    MUST(child >= 0);
    if (child == 0) {
        raise(SIGSTOP);
        close(create("continued"));
        // A second stop before the parent has seen the first continuation would hide it.
        while (access("seen", F_OK) != 0) usleep(1000);
        raise(SIGTSTP);
        _exit(3);
    }
    FACT("child", "%d", child);
    MUST(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    MUST(access("continued", F_OK) != 0);
    MUST(kill(child, SIGCONT) == 0);
    MUST(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    close(create("seen"));
    MUST(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    MUST(kill(child, SIGCONT) == 0);
    MUST(wait_for(child) >> 8 == 3);
}

// Killed while stopped.
static void do_stop_kill(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t child = fork();
    int status;
    MUST(child >= 0);
    if (child == 0) {
        raise(SIGSTOP);
        _exit(3);
    }
    FACT("child", "%d", child);
    MUST(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    MUST(kill(child, SIGKILL) == 0);
    MUST(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void do_ignore(int argc, char **argv) {
    (void)argc, (void)argv;
    int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        MUST(signal(ignored[i], SIG_IGN) != SIG_ERR);
        MUST(kill(getpid(), ignored[i]) == 0);
    }
    close(create("unmoved"));
}

static void do_handler(int argc, char **argv) {
    (void)argc, (void)argv;
    handle(SIGUSR1, 0);
    pid_t parent = getpid(), child = fork();
    MUST(child >= 0);
    if (child == 0) {
        MUST(kill(parent, SIGUSR1) == 0);
        _exit(0);
    }
    for (int i = 0; i < 5000 && !seen; i++) usleep(1000);
    MUST(seen == SIGUSR1 && sender == child);
    MUST(wait_for(child) == 0);
    close(create("handled"));
}

// Waiting calls end with EINTR, or go on, as the program asked.
static void do_restart(int argc, char **argv) {
    (void)argc, (void)argv;
    int pipes[2];
    char byte;
    MUST(pipe(pipes) == 0);
    struct itimerval soon = {.it_value = {0, 50000}};
    handle(SIGALRM, 0);
    MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    FAILS(read(pipes[0], &byte, 1), EINTR);
    handle(SIGALRM, SA_RESTART);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        usleep(200000);
        MUST(write(pipes[1], "x", 1) == 1);
        _exit(0);
    }
    seen = 0;
    MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    MUST(read(pipes[0], &byte, 1) == 1 && seen == SIGALRM);
    MUST(wait_for(child) == 0);
    close(create("restarted"));
}

static void do_masked(int argc, char **argv) {
    (void)argc, (void)argv;
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(kill(getpid(), SIGTERM) == 0);
    MUST(sigpending(&pending) == 0 && sigismember(&pending, SIGTERM));
    siginfo_t info;
    MUST(sigwaitinfo(&set, &info) == SIGTERM && info.si_pid == getpid());
    close(create("waited"));
}

static void install(uint32_t number, uint32_t action) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

// A filter of the program's own: what it forbids fails, the rest works and is seen.
static void do_seccomp(int argc, char **argv) {
    (void)argc, (void)argv;
    install(SYS_mkdir, SECCOMP_RET_ERRNO | EACCES);
    FAILS(syscall(SYS_mkdir, "forbidden", 0755), EACCES);
    close(create("allowed"));
    MUST(syscall(SYS_mkdirat, AT_FDCWD, "also-allowed", 0755) == 0);
}

static void do_seccomp_kill(int argc, char **argv) {
    (void)argc, (void)argv;
    close(create("before"));
    install(SYS_getpriority, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getpriority, 0, 0);
    close(create("after"));
}

// Who am I, after the exec of a set-user-id file.
static void do_ids(int argc, char **argv) {
    (void)argc, (void)argv;
    FACT("euid", "%d", geteuid());
    FACT("uid", "%d", getuid());
}

// What a command inherits: default signals, nothing blocked, no descriptor but the first three.
static void do_clean(int argc, char **argv) {
    (void)argc, (void)argv;
    for (int number = 1; number < 32; number++) {
        if (number == SIGKILL || number == SIGSTOP) continue;
        struct sigaction action;
        MUST(sigaction(number, NULL, &action) == 0);
        MUST(action.sa_handler == SIG_DFL);
    }
    sigset_t set;
    MUST(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    for (int number = 1; number < 32; number++) MUST(sigismember(&set, number) == 0);
    for (int fd = 3; fd < 256; fd++) FAILS(fcntl(fd, F_GETFD), EBADF);
    close(create("clean"));
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"stop", do_stop},       {"stop-kill", do_stop_kill}, {"ignore", do_ignore},
        {"handler", do_handler}, {"restart", do_restart},     {"masked", do_masked},
        {"seccomp", do_seccomp}, {"seccomp-kill", do_seccomp_kill}, {"ids", do_ids},
        {"clean", do_clean},     {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
