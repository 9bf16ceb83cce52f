//! The eBPF toolchain: which rustc, which linker, with which flags.
//!
//! Two are known: Debian's `rustc-web`, which brings a `core` built for eBPF, and a nightly of rustup with
//! `rust-src`, which builds its own. Both link with bpf-linker.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// The target triple: eBPF, little-endian.
const TARGET: &str = "bpfel-unknown-none";

/// Crates that may use unstable features though the compiler is a stable one: aya-ebpf needs eBPF assembly.
const UNSTABLE_FOR: &str = "aya_ebpf,watch";

/// A toolchain that was found on this machine.
pub(crate) struct Toolchain {
    kind: Kind,
    /// Folders put first on `PATH`.
    bin: Vec<PathBuf>,
    /// Versions, by tool.
    pub(crate) versions: BTreeMap<String, String>,
}

/// Where the compiler comes from.
enum Kind {
    /// A rustc whose sysroot has `core` for the target.
    Prebuilt(PathBuf),
    /// `cargo +nightly -Z build-std=core`.
    Nightly,
}

impl Toolchain {
    /// Finds a toolchain.
    ///
    /// # Errors
    /// Names what is missing and how to get it.
    pub(crate) fn find() -> Result<Toolchain> {
        let linker = tools::find("bpf-linker").context(
            "find bpf-linker: not on PATH; `cargo install bpf-linker@0.13.0 --no-default-features --features llvm-22` (CONTRIBUTING.md)",
        )?;
        let (kind, verbose) = compiler()?;
        let field = |name: &str| {
            verbose.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        let llvm = field("LLVM version:").context("read the LLVM version of rustc")?;
        let linker_version = tools::read(Command::new(&linker).arg("--version"))?;
        let versions = BTreeMap::from([
            ("aya_ebpf".to_owned(), aya_ebpf()?),
            ("bpf_linker".to_owned(), linker_version.trim().trim_start_matches("bpf-linker ").to_owned()),
            ("bpf_linker_llvm".to_owned(), linked_llvm(&linker)?),
            ("llvm".to_owned(), llvm.clone()),
            (
                "rustc".to_owned(),
                verbose.lines().next().unwrap_or_default().trim_start_matches("rustc ").to_owned(),
            ),
        ]);
        let major = llvm.split('.').next().unwrap_or_default();
        let llvm_bin = PathBuf::from(format!("/usr/lib/llvm-{major}/bin"));
        let bin = [Some(llvm_bin), linker.parent().map(Path::to_path_buf)].into_iter().flatten();
        Ok(Toolchain { kind, bin: bin.collect(), versions })
    }

    /// The command that builds one program into `target`.
    pub(crate) fn cargo(&self, package: &str, bin: &str, target: &Path) -> Result<Command> {
        let kernel = tools::root().join("kernel");
        let mut cargo = match &self.kind {
            Kind::Prebuilt(rustc) => {
                let mut cargo = tools::cargo();
                cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", UNSTABLE_FOR);
                cargo
            }
            Kind::Nightly => {
                let mut cargo = Command::new("cargo");
                cargo.env_remove("RUSTUP_TOOLCHAIN").args(["+nightly", "-Z", "build-std=core"]);
                cargo
            }
        };
        cargo
            .current_dir(&kernel)
            .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
            .args(["--package", package, "--bin", bin])
            .arg("--target-dir")
            .arg(target)
            .env("PATH", self.path()?)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags()?)
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER");
        Ok(cargo)
    }

    /// The command that strips debug sections.
    pub(crate) fn strip(&self) -> Result<Command> {
        let mut strip = Command::new("llvm-strip");
        strip.env("PATH", self.path()?);
        Ok(strip)
    }

    fn path(&self) -> Result<OsString> {
        let old = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(self.bin.iter().cloned().chain(std::env::split_paths(&old)))
            .context("build PATH for the eBPF compiler")
    }

    /// Compiler flags, in Cargo's encoding. Remapped paths make the object the same in any folder.
    fn flags(&self) -> Result<String> {
        let root = tools::root();
        let mut flags =
            ["linker=bpf-linker", "link-arg=--btf", "debuginfo=2"].map(|flag| format!("-C{flag}")).to_vec();
        flags.push(format!("--remap-path-prefix={}=/kernscope", root.display()));
        let registry = tools::cargo_home()?.join("registry/src");
        for entry in fs::read_dir(&registry).with_context(|| format!("read {}", registry.display()))? {
            let path = entry.with_context(|| format!("read {}", registry.display()))?.path();
            flags.push(format!("--remap-path-prefix={}=/registry", path.display()));
        }
        Ok(flags.join("\x1f"))
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools: Vec<_> = self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        f.write_str(&tools.join(", "))
    }
}

/// Finds a compiler, and returns what it says of itself.
fn compiler() -> Result<(Kind, String)> {
    let rustc = PathBuf::from("/usr/bin/rustc");
    if rustc.is_file() && has_core(&rustc)? {
        let verbose = tools::read(Command::new(&rustc).arg("-vV"))?;
        return Ok((Kind::Prebuilt(rustc), verbose));
    }
    let nightly = tools::read(
        Command::new("rustc").env_remove("RUSTUP_TOOLCHAIN").args(["+nightly", "--print", "sysroot"]),
    );
    let Ok(sysroot) = nightly else {
        bail!(
            "find a compiler for {TARGET}: none; on Debian `apt-get install rustc-web libstd-rust-web-dev-bpf`, elsewhere `rustup toolchain install nightly --component rust-src`"
        );
    };
    if !Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core").is_dir() {
        bail!(
            "find core's sources in the nightly toolchain: none; `rustup component add rust-src --toolchain nightly`"
        );
    }
    let verbose =
        tools::read(Command::new("rustc").env_remove("RUSTUP_TOOLCHAIN").args(["+nightly", "-vV"]))?;
    Ok((Kind::Nightly, verbose))
}

/// Whether a compiler's sysroot has `core` for the target.
fn has_core(rustc: &Path) -> Result<bool> {
    let dir = tools::read(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))?;
    let Ok(entries) = fs::read_dir(dir.trim()) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
}

/// The LLVM that bpf-linker was linked with, or `static`.
fn linked_llvm(linker: &Path) -> Result<String> {
    let libraries = tools::read(Command::new("ldd").arg(linker))?;
    let name = libraries.split_whitespace().find(|word| word.starts_with("libLLVM"));
    Ok(name.unwrap_or("static").to_owned())
}

/// The locked version of aya-ebpf.
fn aya_ebpf() -> Result<String> {
    let path = tools::root().join("kernel/Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"aya-ebpf\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.map(|version| version.trim_matches('"').to_owned()).context("find aya-ebpf in kernel/Cargo.lock")
}
