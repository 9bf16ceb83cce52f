// Processes and threads: how they come to be, what they execute, how they end.
#include "case.h"
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void do_fork(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) _exit(7);
    FACT("self", "%d", getpid());
    FACT("child", "%d", child);
    int status = wait_for(child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void do_vfork(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t child = vfork();
    MUST(child >= 0);
    if (child == 0) _exit(5);
    FACT("child", "%d", child);
    MUST(WEXITSTATUS(wait_for(child)) == 5);
}

static void do_clone(int argc, char **argv) {
    (void)argc, (void)argv;
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    MUST(child >= 0);
    if (child == 0) _exit(6);
    FACT("child", "%ld", child);
    MUST(WEXITSTATUS(wait_for(child)) == 6);
}

static void do_clone3(int argc, char **argv) {
    (void)argc, (void)argv;
    struct clone_args args = {.exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &args, sizeof args);
    MUST(child >= 0);
    if (child == 0) _exit(8);
    FACT("child", "%ld", child);
    MUST(WEXITSTATUS(wait_for(child)) == 8);
}

// The child makes a sibling of itself.
static void do_clone_parent(int argc, char **argv) {
    (void)argc, (void)argv;
    FACT("self", "%d", getpid());
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        long sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        MUST(sibling >= 0);
        if (sibling == 0) {
            close(create("sibling"));
            _exit(4);
        }
        FACT("sibling", "%ld", sibling);
        _exit(3);
    }
    FACT("child", "%d", child);
    int codes = 0, status;
    for (int i = 0; i < 2; i++) {
        MUST(wait(&status) > 0);
        codes += WEXITSTATUS(status);
    }
    MUST(codes == 7);
}

// Twice forked, in a session of its own; it goes on after its parent and the command have ended.
static void do_daemon(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t command = getpid();
    pid_t middle = fork();
    MUST(middle >= 0);
    if (middle == 0) {
        MUST(setsid() > 0);
        pid_t middle_pid = getpid();
        pid_t daemon = fork();
        MUST(daemon >= 0);
        if (daemon > 0) _exit(0);
        FACT("daemon", "%d", getpid());
        for (int i = 0; i < 5000 && getppid() == middle_pid; i++) usleep(1000);
        MUST(getppid() != middle_pid);
        for (int i = 0; i < 5000 && kill(command, 0) == 0; i++) usleep(1000);
        close(create("from-daemon"));
        _exit(12);
    }
    FACT("middle", "%d", middle);
    MUST(WEXITSTATUS(wait_for(middle)) == 0);
}

// An orphan goes to the nearest subreaper, and then executes a program.
static void do_reparent(int argc, char **argv) {
    (void)argc, (void)argv;
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    pid_t self = getpid();
    FACT("self", "%d", self);
    pid_t middle = fork();
    MUST(middle >= 0);
    if (middle == 0) {
        pid_t orphan = fork();
        MUST(orphan >= 0);
        if (orphan > 0) _exit(0);
        for (int i = 0; i < 5000 && getppid() != self; i++) usleep(1000);
        MUST(getppid() == self);
        close(create("as-orphan"));
        execl("/proc/self/exe", "again", "code", "21", NULL);
        _exit(99);
    }
    FACT("middle", "%d", middle);
    MUST(WEXITSTATUS(wait_for(middle)) == 0);
    int status;
    pid_t orphan = wait(&status);
    FACT("orphan", "%d", orphan);
    MUST(WEXITSTATUS(status) == 21);
}

static void *open_numbered(void *arg) {
    char name[16];
    snprintf(name, sizeof name, "t%d", (int)(intptr_t)arg);
    dprintf(1, "tid%d=%d\n", (int)(intptr_t)arg, (int)syscall(SYS_gettid));
    close(create(name));
    return NULL;
}

static void do_threads(int argc, char **argv) {
    (void)argc, (void)argv;
    pthread_t threads[4];
    FACT("self", "%d", getpid());
    for (intptr_t i = 0; i < 4; i++) MUST(pthread_create(&threads[i], NULL, open_numbered, (void *)i) == 0);
    for (int i = 0; i < 4; i++) MUST(pthread_join(threads[i], NULL) == 0);
}

// Waits until the leader is a zombie, then goes on alone.
static void after_leader(void) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
    for (int i = 0; i < 5000; i++) {
        int fd = open(path, O_RDONLY);
        MUST(fd >= 0);
        ssize_t n = read(fd, line, sizeof line - 1);
        MUST(n > 0);
        close(fd);
        line[n] = 0;
        char *state = strrchr(line, ')');
        if (state && state[2] == 'Z') break;
        usleep(1000);
    }
    close(create("late"));
}

static void *end_group(void *arg) {
    (void)arg;
    after_leader();
    _exit(9);
}

static void *end_thread(void *arg) {
    (void)arg;
    after_leader();
    syscall(SYS_exit, 4);
    return NULL;
}

static void do_leader_first(int argc, char **argv) {
    pthread_t thread;
    FACT("self", "%d", getpid());
    int alone = argc > 0 && strcmp(argv[0], "alone") == 0;
    MUST(pthread_create(&thread, NULL, alone ? end_thread : end_group, NULL) == 0);
    syscall(SYS_exit, 3);
}

static void *exec_from_thread(void *arg) {
    (void)arg;
    FACT("worker", "%d", (int)syscall(SYS_gettid));
    execl("/proc/self/exe", "again", "code", "23", NULL);
    _exit(99);
}

static void *sleep_long(void *arg) {
    (void)arg;
    sleep(60);
    return NULL;
}

static void do_thread_exec(int argc, char **argv) {
    (void)argc, (void)argv;
    pthread_t thread;
    FACT("self", "%d", getpid());
    MUST(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
    MUST(pthread_create(&thread, NULL, exec_from_thread, NULL) == 0);
    sleep(60);
}

// Two children, one after the other, with the same process id.
static void do_pid_reuse(int argc, char **argv) {
    (void)argc, (void)argv;
    pid_t first = fork();
    MUST(first >= 0);
    if (first == 0) {
        close(create("first"));
        _exit(1);
    }
    MUST(WEXITSTATUS(wait_for(first)) == 1);
    // /proc tells starts in hundredths of a second.
    usleep(30000);
    for (int i = 0; i < 300; i++) {
        int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
        MUST(fd >= 0);
        MUST(dprintf(fd, "%d", first - 1) > 0);
        close(fd);
        pid_t second = fork();
        MUST(second >= 0);
        if (second == 0) {
            if (getpid() != first) _exit(3);
            close(create("second"));
            _exit(2);
        }
        int code = WEXITSTATUS(wait_for(second));
        if (second == first) {
            MUST(code == 2);
            FACT("child", "%d", first);
            return;
        }
    }
    MUST(!"the process id did not come back");
}

static void do_code(int argc, char **argv) {
    MUST(argc == 1);
    _exit(atoi(argv[0]));
}

static void do_signal(int argc, char **argv) {
    MUST(argc == 1);
    FACT("self", "%d", getpid());
    struct rlimit none = {0, 0};
    MUST(setrlimit(RLIMIT_CORE, &none) == 0);
    kill(getpid(), atoi(argv[0]));
    pause();
}

static void do_core(int argc, char **argv) {
    (void)argc, (void)argv;
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_CORE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    MUST(setrlimit(RLIMIT_CORE, &limit) == 0);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) abort();
    FACT("child", "%d", child);
    int status = wait_for(child);
    MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    MUST(WCOREDUMP(status));
}

// Many short processes at once, each opening a file of its own.
static void do_many(int argc, char **argv) {
    MUST(argc == 1);
    int count = atoi(argv[0]);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            char name[16];
            snprintf(name, sizeof name, "m%d", i);
            close(create(name));
            _exit(0);
        }
    }
    for (int i = 0; i < count; i++) {
        int status;
        MUST(wait(&status) > 0 && status == 0);
    }
}

int main(int argc, char **argv) {
    const struct sub subs[] = {
        {"fork", do_fork},
        {"vfork", do_vfork},
        {"clone", do_clone},
        {"clone3", do_clone3},
        {"clone-parent", do_clone_parent},
        {"daemon", do_daemon},
        {"reparent", do_reparent},
        {"threads", do_threads},
        {"leader-first", do_leader_first},
        {"thread-exec", do_thread_exec},
        {"pid-reuse", do_pid_reuse},
        {"code", do_code},
        {"signal", do_signal},
        {"core", do_core},
        {"many", do_many},
        {NULL, NULL},
    };
    return dispatch(subs, argc, argv);
}
