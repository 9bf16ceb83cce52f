//! Files: paths are those that the kernel meant.

use super::bench::{Run, Temp, compile, path_and_ret, sh, watch};
use kernscope_report::{Body, PathSource};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

/// The kinds of path records of a run below a directory, with their paths relative to it.
fn told(run: &Run, temp: &Temp) -> Vec<(&'static str, String, i64)> {
    let kind = |body: &Body| {
        Some(match body {
            Body::FileUnlink(_) => "unlink",
            Body::FileRename { .. } => "rename",
            Body::FileLink { .. } => "link",
            Body::FileSymlink { .. } => "symlink",
            Body::FileMkdir { .. } => "mkdir",
            Body::FileMknod { .. } => "mknod",
            Body::FileChmod { .. } => "chmod",
            Body::FileChown { .. } => "chown",
            Body::FileTruncate { .. } => "truncate",
            _ => return None,
        })
    };
    let below = format!("{}/", temp.0.display());
    run.entries
        .iter()
        .filter_map(|entry| {
            let (path, ret) = path_and_ret(&entry.body)?;
            Some((kind(&entry.body)?, path.strip_prefix(&below)?.to_owned(), ret))
        })
        .collect()
}

#[test]
fn every_path_call_by_every_way_to_name_it() {
    let temp = Temp::new("path-calls");
    let program = compile(
        &temp.0,
        "calls",
        r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (chdir(argv[1])) return 1;
    mkdir("real", 0755);
    symlink("real", "link");
    int dir = open("link", O_RDONLY | O_DIRECTORY);
    int fd = openat(dir, "f", O_CREAT | O_RDWR, 0600);
    fchmod(fd, 0640);
    ftruncate(fd, 10);
    truncate("link/f", 5);
    chmod("link/../link/f", 0600);
    fchownat(dir, "", getuid(), getgid(), AT_EMPTY_PATH);
    lchown("link", getuid(), getgid());
    chown("link", -1, -1);
    link("link/f", "g");
    linkat(dir, "f", AT_FDCWD, "h", 0);
    rename("g", "link/i");
    renameat2(dir, "i", AT_FDCWD, "h", RENAME_NOREPLACE);
    unlink("link/i");
    unlinkat(dir, "f", 0);
    fchmod(fd, 0600);
    unlink("link/none");
    rmdir("link");
    unlink("link");
    unlink("h");
    rmdir("real");
    return 0;
}
"#,
    );
    fs::create_dir(temp.path("w")).unwrap();
    let run = watch(&[program.to_str().unwrap(), &temp.path("w")]);
    assert_eq!(run.status.code(), Some(0));
    let wanted = [
        ("mkdir", "w/real", 0),
        ("symlink", "w/link", 0),
        ("chmod", "w/real/f", 0),
        ("truncate", "w/real/f", 0),
        ("truncate", "w/real/f", 0),
        ("chmod", "w/real/f", 0),
        ("chown", "w/real", 0),
        ("chown", "w/link", 0),
        ("chown", "w/real", 0),
        ("link", "w/real/f", 0),
        ("link", "w/real/f", 0),
        ("rename", "w/g", 0),
        ("rename", "w/real/i", -17),
        ("unlink", "w/real/i", 0),
        ("unlink", "w/real/f", 0),
        // By descriptor, when the file has no name any more.
        ("chmod", "w/real/f", 0),
        ("unlink", "w/real/none", -2),
        ("unlink", "w/link", -20),
        ("unlink", "w/link", 0),
        ("unlink", "w/h", 0),
        ("unlink", "w/real", 0),
    ];
    let wanted: Vec<_> = wanted.into_iter().map(|(kind, path, ret)| (kind, path.to_owned(), ret)).collect();
    assert_eq!(told(&run, &temp), wanted);
    let renamed = run.entries.iter().find_map(|entry| match &entry.body {
        Body::FileRename { new_path, .. } => new_path.clone(),
        _ => None,
    });
    assert_eq!(renamed, Some(temp.path("w/real/i")));
}

#[test]
fn opens_through_links_and_failed_ones() {
    let temp = Temp::new("opens");
    fs::create_dir(temp.path("dir")).unwrap();
    fs::write(temp.path("dir/file"), "x").unwrap();
    symlink("dir", temp.path("link")).unwrap();
    let run = sh(&format!("cd {}; cat link/../link/file; cat link/none; exit 0", temp.0.display()));
    let meta = fs::metadata(temp.path("dir/file")).unwrap();
    let opened = run.opens(&temp.path("dir/file"));
    let Body::FileOpen { path, raw_path, dev, inode, ret, .. } = &opened[0].body else { unreachable!() };
    assert_eq!(path.path_source, PathSource::Kernel);
    assert_eq!(raw_path.as_deref(), Some("link/../link/file"));
    assert_eq!((*dev, *inode), (Some(meta.dev()), Some(meta.ino())));
    assert!(*ret >= 3);
    let failed = run.opens(&temp.path("dir/none"));
    let Body::FileOpen { path, errno, .. } = &failed[0].body else { unreachable!() };
    assert_eq!(path.path_source, PathSource::Resolved);
    assert_eq!(errno.as_deref(), Some("ENOENT"));
}

#[test]
fn descriptors_go_away_in_many_ways() {
    let temp = Temp::new("closes");
    let program = compile(
        &temp.0,
        "closes",
        r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
    chdir(argv[1]);
    int a = open("a", O_CREAT | O_RDWR, 0600), b = open("b", O_CREAT | O_RDWR, 0600);
    int c = open("c", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    int d = open("d", O_CREAT | O_RDWR, 0600), e = open("e", O_CREAT | O_RDWR, 0600);
    close(a);
    dup2(b, e);
    syscall(SYS_close_range, d, d, 0);
    close(999);
    rename("b", "renamed");
    int m = syscall(SYS_memfd_create, "mem", 0);
    close(m);
    if (argc > 2) kill(getpid(), SIGKILL);
    execl("/bin/true", "true", NULL);
}
"#,
    );
    let closes = |run: &Run| -> Vec<(String, String)> {
        let below = format!("{}/", temp.0.display());
        let close = |body: &Body| match body {
            Body::FileClose { path, cause, .. } => Some((path.path.clone()?, cause.clone())),
            _ => None,
        };
        let ours = |path: String| {
            path.strip_prefix(&below).map(str::to_owned).or(Some(path).filter(|p| p.starts_with("memfd")))
        };
        let all = run.entries.iter().filter_map(|entry| close(&entry.body));
        all.filter_map(|(path, cause)| Some((ours(path)?, cause))).collect()
    };
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(path, cause)| ((*path).to_owned(), (*cause).to_owned())).collect()
    };
    let before = [("a", "close"), ("e", "dup"), ("d", "close"), ("memfd:mem", "close")];
    let run = watch(&[program.to_str().unwrap(), temp.0.to_str().unwrap()]);
    let mut wanted = pairs(&before);
    wanted.extend(pairs(&[("c", "exec"), ("renamed", "exit"), ("renamed", "exit")]));
    assert_eq!(closes(&run), wanted);
    // Killed, and still looked at before they are gone: they have the names that they have then.
    let run = watch(&[program.to_str().unwrap(), temp.0.to_str().unwrap(), "killed"]);
    let mut wanted = pairs(&before);
    wanted.extend(pairs(&[("renamed", "exit"), ("c", "exit"), ("renamed", "exit")]));
    assert_eq!(closes(&run), wanted);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_32_bit_call_is_no_way_around() {
    let temp = Temp::new("compat");
    let program = compile(
        &temp.0,
        "compat",
        r#"
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    char *low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    strcpy(low, argv[1]);
    long fd;
    __asm__ volatile("int $0x80" : "=a"(fd) : "a"(5), "b"(low), "c"(0), "d"(0) : "memory");
    return fd >= 0 ? 0 : -fd;
}
"#,
    );
    fs::write(temp.path("file"), "x").unwrap();
    let run = watch(&[program.to_str().unwrap(), &temp.path("file")]);
    if run.status.code() == Some(38) {
        eprintln!("skipped: this kernel has no 32-bit calls");
        return;
    }
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(run.opens(&temp.path("file")).len(), 1);
}

#[test]
fn files_are_mapped() {
    let run = sh("exec cat /dev/null");
    let is_libc = |body: &Body| {
        matches!(body, Body::FileMmap { path, prot, .. }
            if path.path.as_deref().is_some_and(|path| path.contains("libc")) && prot.iter().any(|p| p == "exec"))
    };
    assert!(run.count(is_libc) >= 1);
}

#[test]
fn a_changed_root_is_seen_from_outside() {
    let temp = Temp::new("chroot");
    let program = compile(
        &temp.0,
        "chroot",
        r#"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (chroot(argv[1])) return 9;
    chdir("/");
    open("/sub/../../file", O_CREAT | O_RDWR, 0600);
    mkdir("/link/x", 0700);
    unlink("../../../file");
    return 0;
}
"#,
    );
    fs::create_dir_all(temp.path("jail/sub")).unwrap();
    symlink("/sub", temp.path("jail/link")).unwrap();
    let run = watch(&[program.to_str().unwrap(), &temp.path("jail")]);
    if run.status.code() == Some(9) {
        eprintln!("skipped: chroot is not permitted");
        return;
    }
    assert_eq!(run.opens(&temp.path("jail/file")).len(), 1);
    let wanted = vec![("mkdir", "jail/sub/x".to_owned(), 0), ("unlink", "jail/file".to_owned(), 0)];
    assert_eq!(told(&run, &temp), wanted);
}
