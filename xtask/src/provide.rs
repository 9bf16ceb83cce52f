//! What the tests need of the machine: installed where that is allowed, else named.
//!
//! Installing means root on a machine with `apt-get`. Everything else is told what to install, and what is not
//! tested without it.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;

use crate::tools;

/// A set of tools that one kind of test needs.
pub(crate) struct Need {
    /// What is not tested without it.
    pub(crate) for_what: &'static str,
    /// A file name on `PATH` or an absolute path, and the Debian package that brings it.
    pub(crate) tools: &'static [(&'static str, &'static str)],
}

/// For the cases on this machine.
pub(crate) const CASES: Need = Need {
    for_what: "the cases",
    tools: &[
        ("gcc", "gcc"),
        ("/usr/lib/x86_64-linux-gnu/libc.a", "libc6-dev"),
        ("python3", "python3"),
        ("bash", "bash"),
        ("strace", "strace"),
    ],
};

/// For tests that have real programs as peers: without one of them the tests that need it say so, and are left out.
pub(crate) const PEERS: Need = Need {
    for_what: "tests with real daemons, scanners and archivers",
    tools: &[
        ("ip", "iproute2"),
        ("nsenter", "util-linux"),
        ("sysctl", "procps"),
        ("dnsmasq", "dnsmasq-base"),
        ("dhclient", "isc-dhcp-client"),
        ("dhcpcd", "dhcpcd-base"),
        ("udhcpc", "udhcpc"),
        ("avahi-daemon", "avahi-daemon"),
        ("minissdpd", "minissdpd"),
        ("radvd", "radvd"),
        ("nmap", "nmap"),
        ("zip", "zip"),
        ("zstd", "zstd"),
        ("git", "git"),
        ("curl", "curl"),
        ("wget", "wget"),
        ("openssl", "openssl"),
        ("/usr/sbin/nginx", "nginx-light"),
        ("gnutls-serv", "gnutls-bin"),
        ("tstclnt", "libnss3-tools"),
    ],
};

/// For rebuilding the eBPF objects.
pub(crate) const BPF: Need = Need {
    for_what: "rebuilding the eBPF objects",
    tools: &[
        ("/usr/bin/rustc", "rustc-web"),
        ("/usr/lib/rustlib/bpfel-unknown-none", "libstd-rust-web-dev-bpf"),
        ("/usr/lib/llvm-22/include/llvm-c/Core.h", "llvm-22-dev"),
        ("/usr/lib/llvm-22/bin/llvm-strip", "llvm-22"),
        ("/usr/include/zlib.h", "zlib1g-dev"),
        ("/usr/include/zstd.h", "libzstd-dev"),
        ("g++", "g++"),
    ],
};

/// For the kernels under QEMU.
pub(crate) const VM: Need = Need {
    for_what: "other kernels, under QEMU",
    tools: &[
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("/bin/busybox", "busybox-static"),
        ("xz", "xz-utils"),
        ("strip", "binutils"),
        ("/usr/bin/python3", "python3"),
        ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    ],
};

/// Installs what is missing, where allowed. Returns what is still missing and how to get it; `None` when nothing is.
pub(crate) fn provide(need: &Need) -> Result<Option<String>> {
    let packages = missing(need);
    if !packages.is_empty() && may_install() {
        println!("installing, for {}: {}", need.for_what, packages.join(" "));
        install(&packages)?;
    }
    let packages = missing(need);
    Ok((!packages.is_empty()).then(|| format!("`apt-get install {}`", packages.join(" "))))
}

/// Installs bpf-linker with cargo, where packages may be installed and it is missing.
pub(crate) fn provide_bpf_linker() -> Result<()> {
    if tools::find("bpf-linker").is_some() || !may_install() || !missing(&BPF).is_empty() {
        return Ok(());
    }
    println!("installing, for {}: bpf-linker", BPF.for_what);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut search = std::ffi::OsString::from("/usr/lib/llvm-22/bin:");
    search.push(path);
    let mut install = tools::cargo();
    install
        .args(["install", "--quiet", "--locked", "bpf-linker@0.13.0", "--no-default-features"])
        .args(["--features", "llvm-22"])
        .current_dir("/")
        .env("LLVM_PREFIX", "/usr/lib/llvm-22")
        .env("PATH", search)
        .env("RUSTFLAGS", "-L /usr/lib/llvm-22/lib -C link-arg=-fuse-ld=bfd");
    tools::run(&mut install)
}

/// Packages whose files are not here.
fn missing(need: &Need) -> Vec<&'static str> {
    let absent = |file: &str| {
        if file.starts_with('/') { !std::path::Path::new(file).exists() } else { tools::find(file).is_none() }
    };
    need.tools.iter().filter(|(file, _)| absent(file)).map(|(_, package)| *package).collect()
}

/// Whether packages may be installed: root, apt, and nobody said no.
fn may_install() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        is_root() && tools::find("apt-get").is_some() && std::env::var_os("KERNSCOPE_NO_INSTALL").is_none()
    })
}

/// Whether this process has root's rights.
pub(crate) fn is_root() -> bool {
    tools::read(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

fn install(packages: &[&str]) -> Result<()> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-o", "Acquire::Retries=3"]);
        apt.args(["-o", "DPkg::Lock::Timeout=300"]);
        // Daemons that come as peers of tests are started by them alone.
        apt.env("RUNLEVEL", "1");
        apt
    };
    if UPDATED.set(()).is_ok() {
        tools::read(apt().arg("update"))?;
    }
    tools::read(apt().args(["install", "-y", "--no-install-recommends"]).args(packages)).map(drop)
}
