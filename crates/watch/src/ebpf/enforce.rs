//! Programs on LSM hooks: what is denied fails. Attached only when that is asked for.

use super::attach::{Attached, brief};
use kernscope_abi::layout::HOOK_LSM;
use kernscope_abi::paths::{CLASSES, EXEC, READ, WRITE};
use kernscope_kit::load::Object;
use kernscope_kit::probe::{self, Answer};

const READS: u32 = 1 << READ;
const WRITES: u32 = 1 << WRITE;
const EXECUTES: u32 = 1 << EXEC;

/// A hook, and the classes that are not enforced without it.
struct Hook(&'static str, u32);

const HOOKS: &[Hook] = &[
    Hook("file_open", READS | WRITES),
    Hook("file_receive", READS | WRITES),
    Hook("bprm_check_security", EXECUTES),
    Hook("mmap_file", EXECUTES),
    Hook("file_mprotect", EXECUTES),
    Hook("path_unlink", WRITES),
    Hook("path_rmdir", WRITES),
    Hook("path_mkdir", WRITES),
    Hook("path_mknod", WRITES),
    Hook("path_symlink", WRITES),
    Hook("path_link", READS | WRITES | EXECUTES),
    Hook("path_rename", READS | WRITES | EXECUTES),
    Hook("path_truncate", WRITES),
    Hook("path_chmod", WRITES),
    Hook("path_chown", 0),
    Hook("sb_mount", 0),
    Hook("sb_umount", 0),
    Hook("sb_pivotroot", 0),
    Hook("move_mount", 0),
    Hook("ptrace_access_check", 0),
];

/// What stands in for a hook that this kernel has and no program may be on: 5.10 has none for its arguments.
const INSTEAD: &[(&str, &str)] = &[("path_chown", "inode_setattr")];

/// What of a policy the kernel's programs enforce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// A bit for each class of [`kernscope_abi::paths`].
    pub classes: u32,
    /// What is not enforced, and why; empty when all is.
    pub why: String,
}

impl Enforcement {
    /// Whether a class is enforced.
    pub fn has(&self, class: u32) -> bool {
        self.classes >> class & 1 != 0
    }
}

/// Attaches what this kernel takes.
pub(super) fn attach(object: &mut Object) -> (Enforcement, Attached) {
    let enforcement = match probe::lsm() {
        Answer::Yes => hooks(object),
        Answer::No(no) => inactive(&no.why),
        Answer::Unknown(why) => inactive(&why),
    };
    let tier = if enforcement.classes == 0 { "none" } else { "lsm" };
    let hook = Attached { name: "policy", tier, fired: &[HOOK_LSM], why: enforcement.why.clone() };
    (enforcement, hook)
}

fn inactive(why: &str) -> Enforcement {
    let why = format!(
        "BPF LSM is not active ({why}), and without it these programs deny nothing; boot with bpf in the lsm= list"
    );
    Enforcement { classes: 0, why }
}

fn hooks(object: &mut Object) -> Enforcement {
    let (mut classes, mut why) = ((1 << CLASSES) - 1, Vec::new());
    for &Hook(hook, needed) in HOOKS {
        let attach = |object: &mut Object, hook: &str| object.attach_lsm(&format!("lsm_{hook}"), hook);
        let instead = INSTEAD.iter().find(|(of, _)| *of == hook);
        let attached = attach(object, hook).or_else(|error| match instead {
            Some((_, other)) => attach(object, other),
            None => Err(error),
        });
        if let Err(error) = attached {
            classes &= !needed;
            why.push(format!("no {hook}: {}", brief(&error.cause)));
        }
    }
    Enforcement { classes, why: why.join("; ") }
}
