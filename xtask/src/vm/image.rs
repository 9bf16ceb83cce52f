//! The guest's first root file system: kernscope, the cases, and the programs that they run, from this machine.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Step;
use super::binaries::Cases;
use super::cpio::Archive;
use super::kernels::Kernel;
use crate::tools;

/// Programs that cases may run; each is taken with its shared libraries, where this machine has it.
const PROGRAMS: &[&str] = &[
    "bash", "dash", "python3", // interpreters
    "basename", "cat", "chmod", "chown", "chroot", "cp", "cut", "date", "dd", "diff", "dirname", "echo",
    "env", "diff", "expr", "false", "head", "id", "install", "link", "ln", "ls", "mkdir", "mkfifo", "mknod",
    "mktemp", "mv", "nice", "nohup", "printf", "readlink", "realpath", "rm", "rmdir", "seq", "sleep", "sort",
    "stat", "stdbuf", "tail", "tee", "timeout", "touch", "tr", "true", "truncate", "uname", "unlink",
    "wc", // coreutils
    "find", "grep", "sed", "xargs", "mount", "umount", "setsid", "unshare", "nsenter", "flock", "tar",
    "gzip",
];

/// Folders of Python's library that no case needs.
const PYTHON_UNUSED: &[&str] =
    &["test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "pydoc_data", "distutils", "turtledemo"];

/// What goes into the image besides this machine's programs.
pub(crate) struct Contents<'a> {
    /// The binary under test.
    pub(crate) kernscope: &'a Path,
    /// Prints what the verifier did.
    pub(crate) verifier: &'a Path,
    /// Holds random filters against plain Rust.
    pub(crate) filters: &'a Path,
    /// Tests of the kit that ask the kernel.
    pub(crate) tests: &'a [PathBuf],
    /// The case runner, its case files and its compiled C programs.
    pub(crate) cases: &'a Cases,
    /// Kernels whose modules go in.
    pub(crate) kernels: &'a [Kernel],
    /// What the guest runs.
    pub(crate) steps: &'a [Step],
}

/// Writes the image to `path`.
pub(crate) fn write(path: &Path, contents: &Contents<'_>) -> Result<()> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut image = Archive::new(BufWriter::new(file));
    skeleton(&mut image).with_context(|| format!("write {}", path.display()))?;
    for program in PROGRAMS {
        if let Some(found) = system_program(program) {
            let home = if *program == "chroot" { "usr/sbin" } else { "usr/bin" };
            program_with_libraries(&mut image, &found, &format!("{home}/{program}"))?;
        }
    }
    let stdbuf = Path::new("/usr/libexec/coreutils/libstdbuf.so");
    if stdbuf.exists() {
        image.copy(stdbuf, "usr/libexec/coreutils/libstdbuf.so")?;
    }
    python(&mut image)?;
    let busybox =
        system_program("busybox").context("find busybox: not here; `apt-get install busybox-static`")?;
    image.copy(&busybox, "usr/lib/vm/busybox")?;
    image
        .file("init", 0o755, include_bytes!("../../../tests/vm/init.sh"))
        .context("write init to the image")?;
    payload(&mut image, contents)?;
    image.finish().with_context(|| format!("write {}", path.display()))?;
    Ok(())
}

/// Folders, links, devices and the few files of /etc.
fn skeleton<W: std::io::Write>(image: &mut Archive<W>) -> std::io::Result<()> {
    for (path, mode) in [
        ("dev", 0o755),
        ("proc", 0o555),
        ("sys", 0o555),
        ("run", 0o755),
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
        ("root", 0o700),
        ("home", 0o755),
        ("mnt", 0o755),
        ("usr/bin", 0o755),
        ("usr/sbin", 0o755),
        ("usr/lib/vm/applets", 0o755),
        ("usr/lib64", 0o755),
        ("etc", 0o755),
        ("vm", 0o755),
    ] {
        image.directory(path, mode)?;
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        image.symlink(name, &format!("usr/{name}"))?;
    }
    image.symlink("usr/bin/sh", "dash")?;
    image.device("dev/console", 5, 1)?;
    image.device("dev/null", 1, 3)?;
    image.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    )?;
    image.file("etc/group", 0o644, b"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")?;
    image.file("etc/hosts", 0o644, b"127.0.0.1 localhost\n::1 localhost\n")?;
    image.file("etc/hostname", 0o644, b"vm\n")
}

/// kernscope, the cases, modules and steps.
fn payload<W: std::io::Write>(image: &mut Archive<W>, contents: &Contents<'_>) -> Result<()> {
    program_with_libraries(image, contents.kernscope, "usr/local/bin/kernscope")?;
    program_with_libraries(image, contents.verifier, "vm/verifier")?;
    program_with_libraries(image, contents.filters, "vm/filters")?;
    for test in contents.tests {
        let name = test.file_name().unwrap_or_default().to_string_lossy();
        program_with_libraries(image, test, &format!("vm/tests/{name}"))?;
    }
    let cases = contents.cases;
    program_with_libraries(image, &cases.runner, "vm/runner")?;
    image.copy_tree(&cases.dir, "vm/cases", &|_| false)?;
    image.copy_tree(&cases.bin_dir, "vm/bin", &|_| false)?;
    image.copy(&cases.schema, "vm/record.schema.json")?;
    rules(image)?;
    for kernel in contents.kernels {
        for module in &kernel.modules {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            image.copy(module, &format!("vm/modules/{}/{name}", kernel.release))?;
        }
    }
    let steps: String = contents
        .steps
        .iter()
        .map(|step| format!("{}\t{}\t{}\n", step.name, step.limit.as_secs(), step.command))
        .collect();
    image.file("vm/steps", 0o644, steps.as_bytes()).context("write vm/steps to the image")
}

/// Files of rules: our own, and gitleaks' where test data is at hand.
fn rules<W: std::io::Write>(image: &mut Archive<W>) -> Result<()> {
    image.copy_tree(&tools::root().join("crates/sieve/rules"), "vm/rules", &|_| false)?;
    let data = std::env::var_os("KERNSCOPE_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    let gitleaks = tools::root().join(data).join("rules/gitleaks.toml");
    if gitleaks.is_file() {
        image.copy(&gitleaks, "vm/rules/gitleaks.toml")?;
    } else {
        println!("vm: the guests have no rules of gitleaks: {} is not there", gitleaks.display());
    }
    Ok(())
}

/// A program of the operating system, not one that a developer put first on `PATH`.
fn system_program(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file())
}

/// A program and the shared libraries that `ldd` names.
fn program_with_libraries<W: std::io::Write>(image: &mut Archive<W>, from: &Path, path: &str) -> Result<()> {
    image.copy(from, path)?;
    libraries(image, from)
}

fn libraries<W: std::io::Write>(image: &mut Archive<W>, of: &Path) -> Result<()> {
    let out = Command::new("ldd").arg(of).output().with_context(|| format!("start ldd {}", of.display()))?;
    // `ldd` fails on a static program: it has no libraries.
    for word in String::from_utf8_lossy(&out.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
        let place = merged(word);
        if !image.contains(&place) {
            image.copy(Path::new(word), &place)?;
        }
    }
    Ok(())
}

/// Where a file of this machine goes: the guest has /lib and its like in /usr.
fn merged(path: &str) -> String {
    if path.starts_with("/usr/") { path.to_owned() } else { format!("/usr{path}") }
}

/// The operating system's Python: its library, and what its extension modules link with.
fn python<W: std::io::Write>(image: &mut Archive<W>) -> Result<()> {
    let Some(python) = system_program("python3") else { return Ok(()) };
    let query = "import sysconfig; print(sysconfig.get_path('stdlib'))";
    let library = tools::read(Command::new(python).args(["-I", "-c", query]))?;
    let library = Path::new(library.trim());
    let skip = |path: &Path| {
        path.is_dir()
            && path.file_name().is_some_and(|name| PYTHON_UNUSED.iter().any(|unused| name == *unused))
    };
    image.copy_tree(library, &library.display().to_string(), &skip)?;
    let extensions = library.join("lib-dynload");
    if let Ok(entries) = fs::read_dir(&extensions) {
        for entry in entries {
            libraries(image, &entry.with_context(|| format!("read {}", extensions.display()))?.path())?;
        }
    }
    Ok(())
}
