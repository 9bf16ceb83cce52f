//! What a program does is the same with and without the monitor.

use super::bench::{Temp, compile, sh, watch};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// Runs a C program with and without the back end; both must end alike and print the same.
fn same(name: &str, source: &str) {
    let temp = Temp::new(name);
    let program = compile(&temp.0, name, source);
    let (alone, watched) = (temp.path("alone"), temp.path("watched"));
    let program = program.to_str().unwrap();
    let script = |out: &str| format!("exec {program} > {out} 2>&1");
    let status = Command::new("sh").args(["-c", &script(&alone)]).status().unwrap();
    let run = sh(&script(&watched));
    assert_eq!(fs::read_to_string(watched).unwrap(), fs::read_to_string(alone).unwrap());
    assert_eq!(run.status, status);
}

#[test]
fn exit_codes_and_signals() {
    assert_eq!(sh("exit 42").status.code(), Some(42));
    assert_eq!(sh("kill -TERM $$").status.signal(), Some(15));
    assert_eq!(sh("kill -KILL $$").status.signal(), Some(9));
    assert_eq!(sh("kill -PIPE $$").status.signal(), Some(13));
    assert_eq!(sh("sh -c 'kill -USR1 $$'; exit $(($? - 128))").status.code(), Some(10));
    assert_eq!(watch(&["false"]).status.code(), Some(1));
}

#[test]
fn signals_and_restarts() {
    same(
        "signals",
        r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
static void on(int signal, siginfo_t *info, void *context) {
    char line[64];
    int len = snprintf(line, sizeof line, "signal %d code %d value %d\n", signal, info->si_code, info->si_value.sival_int);
    write(1, line, len);
}
static void quiet(int signal) {}
int main() {
    struct sigaction action = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGRTMIN + 3, &action, 0);
    union sigval value = { .sival_int = 77 };
    sigqueue(getpid(), SIGUSR1, value);
    sigqueue(getpid(), SIGRTMIN + 3, value);
    /* An open that waits is interrupted, then restarted. */
    char name[64];
    snprintf(name, sizeof name, "/tmp/kernscope-fifo-%d", getpid());
    mkfifo(name, 0600);
    /* Again and again: once could be before the call. */
    struct itimerval timer = { { 0, 30000 }, { 0, 30000 } }, off = { 0 };
    struct sigaction alarm = { .sa_handler = quiet };
    sigaction(SIGALRM, &alarm, 0);
    setitimer(ITIMER_REAL, &timer, 0);
    int fd = open(name, O_RDONLY);
    setitimer(ITIMER_REAL, &off, 0);
    printf("open %d %s\n", fd, strerror(errno));
    alarm.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &alarm, 0);
    fflush(stdout);
    if (fork() == 0) {
        usleep(150000);
        close(open(name, O_WRONLY));
        _exit(0);
    }
    setitimer(ITIMER_REAL, &timer, 0);
    fd = open(name, O_RDONLY);
    printf("open again %d\n", fd >= 0);
    unlink(name);
    struct timespec pause = { 100, 0 };
    printf("nanosleep %d\n", nanosleep(&pause, 0));
    return 0;
}
"#,
    );
}

#[test]
fn job_control() {
    same(
        "jobs",
        r#"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main() {
    int pipes[2];
    pipe(pipes);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        /* Not before the parent has seen that it goes on: a new stop would hide that. */
        char c;
        read(pipes[0], &c, 1);
        raise(SIGTSTP);
        read(pipes[0], &c, 1);
        _exit(7);
    }
    int status, n;
    for (n = 0; n < 2; n++) {
        if (waitpid(child, &status, WUNTRACED) != child) return 1;
        printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
        usleep(50000);
        if (waitpid(child, &status, WNOHANG | WUNTRACED) != 0) return 2;
        kill(child, SIGCONT);
        if (waitpid(child, &status, WCONTINUED) != child) return 3;
        printf("continued %d\n", WIFCONTINUED(status));
        write(pipes[1], "x", 1);
    }
    waitpid(child, &status, 0);
    printf("exited %d %d\n", WIFEXITED(status), WEXITSTATUS(status));
    /* A whole group of threads, stopped and then killed while it is stopped. */
    child = fork();
    if (child == 0) { for (;;) pause(); }
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    printf("killed %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
    return 0;
}
"#,
    );
}

#[test]
fn zombies_orphans_and_death_signals() {
    same(
        "zombies",
        r#"
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
int main() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setvbuf(stdout, 0, _IONBF, 0);
    int pipes[2];
    pipe(pipes);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            close(pipes[0]);
            write(pipes[1], "x", 1);
            pause();
        }
        char c;
        read(pipes[0], &c, 1);
        _exit(1);
    }
    int status;
    siginfo_t info;
    info.si_status = 0;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    waitpid(child, &status, 0);
    printf("child %d %d\n", WEXITSTATUS(status), info.si_status);
    wait(&status);
    printf("orphan ended by %d\n", WTERMSIG(status));
    printf("no more %d\n", wait(&status));
    return 0;
}
"#,
    );
}

#[test]
fn many_threads() {
    same(
        "threads",
        r#"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *run(void *arg) {
    int n;
    for (n = 0; n < 50; n++) close(open("/dev/null", O_RDONLY));
    return arg;
}
int main() {
    long n, sum = 0;
    pthread_t threads[16];
    for (n = 0; n < 16; n++) pthread_create(&threads[n], 0, run, (void *)n);
    for (n = 0; n < 16; n++) { void *got; pthread_join(threads[n], &got); sum += (long)got; }
    printf("%ld\n", sum);
    return 11;
}
"#,
    );
}

#[test]
fn a_debugger_fails_as_it_does_under_strace() {
    let temp = Temp::new("debugger");
    let program = compile(
        &temp.0,
        "debugger",
        "#include <sys/ptrace.h>\n#include <errno.h>\nint main() { return ptrace(PTRACE_TRACEME, 0, 0, 0) ? errno : 0; }\n",
    );
    assert_eq!(watch(&[program.to_str().unwrap()]).status.code(), Some(1));
}

#[test]
fn python_where_it_is() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3");
        return;
    }
    let temp = Temp::new("python");
    let script = format!(
        "import subprocess, os; open({:?}, 'w').write('x'); subprocess.run(['true'], check=True); os._exit(9)",
        temp.path("out")
    );
    let run = watch(&["python3", "-c", &script]);
    assert_eq!(run.status.code(), Some(9));
    assert_eq!(run.opens(&temp.path("out")).len(), 1);
    // Before them, whatever a wrapper of python3 runs.
    assert_eq!(run.exits()[run.exits().len() - 2..], [(Some(0), None), (Some(9), None)]);
}
