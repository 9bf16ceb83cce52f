use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A directory of this test's own, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kernscope-output-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn put(output: &mut Output, text: &str) {
    output.line(|bytes| {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        true
    });
}

fn tail_of(settled: Settled) -> Vec<u8> {
    format!("end {} {}\n", settled.written, settled.unwritten).into_bytes()
}

#[test]
fn a_file_is_private_even_if_it_was_there_and_open_to_all() {
    let dir = Dir::new("private");
    let path = dir.0.join("out");
    std::fs::write(&path, "something older and longer").expect("write");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("chmod");
    let mut output = Output::file(&path).expect("opens");
    put(&mut output, "one");
    assert_eq!(output.finish(&mut tail_of), (Settled { written: 1, unwritten: 0 }, true));
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "one\nend 1 0\n");
    assert_eq!(std::fs::metadata(&path).expect("stat").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn links_and_directories_are_refused_and_left_alone() {
    let dir = Dir::new("links");
    let victim = dir.0.join("victim");
    std::fs::write(&victim, "precious").expect("write");
    let (soft, hard) = (dir.0.join("soft"), dir.0.join("hard"));
    std::os::unix::fs::symlink(&victim, &soft).expect("symlink");
    std::fs::hard_link(&victim, &hard).expect("link");
    for (path, cause) in [(&soft, "symbolic link"), (&hard, "hard link"), (&dir.0, "directory")] {
        let fault = Output::file(path).expect_err("refused").to_string();
        assert!(fault.contains(cause), "{fault}");
        assert!(!fault.contains('\n'), "{fault}");
    }
    assert_eq!(std::fs::read_to_string(&victim).expect("read"), "precious");
}

#[test]
fn a_full_device_is_told_once_and_everything_is_counted() {
    let mut output = Output::file(Path::new("/dev/full")).expect("opens");
    put(&mut output, "lost");
    output.flush();
    // The writing thread needs a moment; lines are taken or refused meanwhile, and all are lost.
    let fault = std::iter::repeat_with(|| {
        std::thread::yield_now();
        output.fault()
    })
    .flatten()
    .next()
    .expect("a fault");
    assert!(fault.contains("No space left on device"), "{fault}");
    put(&mut output, "refused");
    assert_eq!(output.fault(), None);
    assert_eq!(output.finish(&mut tail_of), (Settled { written: 0, unwritten: 2 }, false));
}

#[test]
fn a_closed_pipe_is_no_panic_and_loses_with_a_count() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let target = Target::stream(File::from(std::os::fd::OwnedFd::from(writer)));
    let mut output = Output::start(target, "pipe".to_owned()).expect("starts");
    drop(reader);
    put(&mut output, "nobody reads this");
    let (settled, tail_written) = output.finish(&mut tail_of);
    assert_eq!((settled, tail_written), (Settled { written: 0, unwritten: 1 }, false));
    assert!(output.fault().is_some_and(|fault| fault.contains("closed it")));
}

#[test]
fn a_reader_that_does_not_read_never_blocks_the_writer() {
    use std::io::Read;
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    let target = Target::stream(File::from(std::os::fd::OwnedFd::from(writer)));
    let mut output = Output::start(target, "pipe".to_owned()).expect("starts");
    let line = "x".repeat(999);
    let lines = 3 * (QUEUE_BYTES / 1000) as u64;
    for _ in 0..lines {
        put(&mut output, &line);
    }
    let consumer = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).map(|_| all)
    });
    let (settled, tail_written) = output.finish(&mut tail_of);
    let all = consumer.join().expect("reader").expect("read");
    let read = all.iter().filter(|&&b| b == b'\n').count() as u64;
    assert!(tail_written);
    assert_eq!(settled.written + settled.unwritten, lines);
    assert!(settled.unwritten > 0, "a queue of {QUEUE_BYTES} bytes cannot hold {lines} lines");
    assert_eq!(read, settled.written + 1);
}

#[test]
fn whole_lines_are_given_up_until_the_tail_fits() {
    let dir = Dir::new("giveup");
    let path = dir.0.join("out");
    let mut target = open::private(&path).expect("opens");
    target.write_lines(b"aaaa\nbbbb\ncccc\n", 3).expect("writes");
    // As after a failed write: part of a line stands behind the whole ones.
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"ddd"))
        .expect("append");
    target.give_up(6).expect("gives up");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "aaaa\n");
    assert_eq!(target.lines(), 1);
    target.give_up(1).expect("gives up");
    assert_eq!((std::fs::read_to_string(&path).expect("read").as_str(), target.lines()), ("", 0));
}

#[test]
fn a_slow_disk_is_waited_for_but_not_for_ever() {
    let dir = Dir::new("slow");
    let path = dir.0.join("out");
    let mut output = Output::file(&path).expect("opens");
    let shared = Arc::clone(&output.shared);
    // As if so much were on its way to the disk.
    let under_way = |bytes: usize| {
        shared.lock().queued_bytes = bytes;
        shared.room.notify_all();
    };
    let batch = "x".repeat(BATCH_BYTES - 1);
    under_way(QUEUE_BYTES);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            under_way(0);
        });
        put(&mut output, &batch);
    });
    assert_eq!(output.patience, Patience::Disk);
    // What was handed on is written before the disk is stuck.
    let until = std::time::Instant::now() + STALL;
    while shared.lock().queued_bytes > 0 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    under_way(QUEUE_BYTES);
    put(&mut output, &batch);
    assert_eq!(output.patience, Patience::Lost);
    put(&mut output, "refused at once");
    under_way(0);
    put(&mut output, "taken");
    assert_eq!(output.patience, Patience::Disk);
    assert_eq!(output.finish(&mut tail_of), (Settled { written: 3, unwritten: 1 }, true));
}
