//! Debian's kernels: fetched with apt into a cache, without touching the machine's own packages.
//!
//! The mirror and its keys are the ones that this machine's apt already uses. Each suite gets a sources list and
//! package lists of its own, so that nothing here is seen by the machine's apt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// Kernels by the name used on the command line, and the suite that has each.
pub(crate) const KERNELS: &[(&str, &str)] =
    &[("5.10", "bullseye"), ("6.1", "bookworm"), ("6.12", "trixie"), ("newest", "sid")];

/// Modules that cases and tests use, where the kernel has them as modules.
const MODULES: &[&str] = &["overlay.ko", "veth.ko", "sch_ingress.ko", "cls_bpf.ko"];

/// The package that depends on the suite's current kernel for virtual machines.
const META: &str = "linux-image-cloud-amd64";

/// Keys of Debian's archive, as Debian installs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A kernel on disk.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// The name used on the command line.
    pub(crate) name: String,
    /// As `uname -r` will say.
    pub(crate) release: String,
    /// The bootable image.
    pub(crate) image: PathBuf,
    /// Modules, decompressed.
    pub(crate) modules: Vec<PathBuf>,
}

/// Fetches a kernel, or takes the cached one.
pub(crate) fn fetch(name: &str, cache: &Path) -> Result<Kernel> {
    let (_, suite) = KERNELS.iter().find(|(known, _)| *known == name).with_context(|| {
        let known: Vec<_> = KERNELS.iter().map(|(known, _)| *known).collect();
        format!("fetch kernel {name}: unknown; known are {}", known.join(", "))
    })?;
    let dir = cache.join(name);
    if !dir.join("complete").exists() {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        let apt = Apt::new(suite, &dir)?;
        apt.update()?;
        for package in apt.packages()? {
            apt.unpack(&package)?;
        }
        fs::write(dir.join("complete"), "").with_context(|| format!("write {}", dir.display()))?;
    }
    locate(name, &dir)
}

/// An apt that sees one suite.
struct Apt {
    dir: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn new(suite: &str, dir: &Path) -> Result<Apt> {
        let (lists, cache) = (dir.join("lists"), dir.join("cache"));
        for dir in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        }
        let sources = dir.join("sources.list");
        fs::write(&sources, format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror()?))
            .with_context(|| format!("write {}", sources.display()))?;
        let options = vec![
            format!("Dir::Etc::SourceList={}", sources.display()),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", lists.display()),
            format!("Dir::Cache={}", cache.display()),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "APT::Architecture=amd64".to_owned(),
        ];
        Ok(Apt { dir: dir.to_path_buf(), options })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir).env("LC_ALL", "C");
        self.options.iter().for_each(|option| {
            command.args(["-o", option]);
        });
        command
    }

    fn update(&self) -> Result<()> {
        tools::read(self.command("apt-get").args(["-qq", "update"])).map(drop)
    }

    /// The packages that hold the kernel and its modules, in the suite's current version.
    fn packages(&self) -> Result<Vec<String>> {
        let image = self
            .depends(META)?
            .into_iter()
            .find(|name| name.starts_with("linux-image-"))
            .with_context(|| format!("find the kernel that {META} depends on"))?;
        let parts = self.depends(&image)?.into_iter();
        let parts: Vec<_> = parts
            .filter(|name| name.starts_with("linux-binary-") || name.starts_with("linux-modules-"))
            .collect();
        Ok(if parts.is_empty() { vec![image] } else { parts })
    }

    fn depends(&self, package: &str) -> Result<Vec<String>> {
        let text = tools::read(self.command("apt-cache").args(["show", "--no-all-versions", package]))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Depends: "));
        let line = line.with_context(|| format!("read what {package} depends on"))?;
        Ok(line.split(", ").filter_map(|part| part.split(' ').next()).map(str::to_owned).collect())
    }

    fn unpack(&self, package: &str) -> Result<()> {
        tools::read(self.command("apt-get").args(["-qq", "download", package]))?;
        let prefix = format!("{package}_");
        let file = list(&self.dir)?
            .into_iter()
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
            .with_context(|| format!("find the downloaded {package}"))?;
        tools::read(Command::new("dpkg").arg("-x").arg(&file).arg(self.dir.join("root")))?;
        fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))
    }
}

/// The Debian mirror that this machine's apt uses.
fn mirror() -> Result<String> {
    let format = "$(REPO_URI) $(RELEASE) $(ORIGIN) $(LABEL)";
    let targets = tools::read(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let uri =
        targets.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
            [uri, _, "Debian", "Debian"] => Some(uri.to_owned()),
            _ => None,
        });
    uri.context("find a Debian mirror in apt's sources: none (run `apt-get update`; needs a Debian machine)")
}

/// Finds image and modules in an unpacked kernel.
fn locate(name: &str, dir: &Path) -> Result<Kernel> {
    let files = walk(&dir.join("root"))?;
    let named = |path: &Path, wanted: &str| path.file_name().is_some_and(|name| name == wanted);
    let image = files
        .iter()
        .find(|path| {
            named(path, "vmlinuz")
                || path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        })
        .with_context(|| format!("find vmlinuz of kernel {name} below {}", dir.display()))?;
    let release = match image.file_name().and_then(|name| name.to_str()?.strip_prefix("vmlinuz-")) {
        Some(release) => release.to_owned(),
        None => image.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned(),
    };
    let mut modules = Vec::new();
    for module in MODULES {
        if let Some(path) =
            files.iter().find(|path| named(path, module) || named(path, &format!("{module}.xz")))
        {
            modules.push(decompressed(path)?);
        }
    }
    Ok(Kernel { name: name.to_owned(), release, image: image.clone(), modules })
}

/// The module as the guest can load it, without xz.
fn decompressed(path: &Path) -> Result<PathBuf> {
    if path.extension().is_none_or(|ext| ext != "xz") {
        return Ok(path.to_path_buf());
    }
    let plain = path.with_extension("");
    if !plain.exists() {
        tools::run(Command::new("xz").arg("--decompress").arg("--keep").arg(path))?;
    }
    if !plain.exists() {
        bail!("decompress {}: {} was not made", path.display(), plain.display());
    }
    Ok(plain)
}

/// Entries of a folder.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
    entries.map(|entry| Ok(entry.with_context(|| format!("read {}", dir.display()))?.path())).collect()
}

/// Files below a folder; symbolic links are not followed.
fn walk(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in list(dir)? {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() { files.append(&mut walk(&path)?) } else { files.push(path) }
    }
    Ok(files)
}
