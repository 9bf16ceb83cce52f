//! rustls, which is built into programs, by the names of its functions.
//!
//! A function counts only where none of its calls can go by unseen: compilers copy what is short into its callers. What is
//! called through tables is there in any case: the functions that handle records behind the handshake, one for each role and version
//! of TLS, each of which must call what receives; and those that take what is to be sent, each of which must call what sends. That is too
//! long to be copied besides, unless nothing is copied at all. Where this does not hold, or names are gone, nothing is hooked. Names are of rustls 0.23, in both ways
//! in which Rust writes them.

mod calls;

use super::image::Image;
use super::{Found, Hook, Library, RETURN};
use calls::Calls;
use memchr::memmem;
use object::ReadRef;
use object::elf::SHT_SYMTAB;

/// The programs beside those of other libraries.
pub(super) const PROGRAMS: [&str; 5] =
    ["tls_rustls_begin", "tls_rustls_traffic", "tls_rustls_out", "tls_rustls_in", "tls_rustls_end"];

/// Methods of `CommonState` and their programs, and whether what they did is known when they return.
const METHODS: [(&str, &str, bool); 4] = [
    ("send_msg", "tls_rustls_begin", false),
    ("start_outgoing_traffic", "tls_rustls_traffic", false),
    (SENDER, OUT, true),
    (RECEIVER, IN, false),
];
/// The one by which all goes that is written.
const SENDER: &str = "buffer_plaintext";
/// The one by which all goes that is read.
const RECEIVER: &str = "take_received_plaintext";
const OUT: &str = "tls_rustls_out";
const IN: &str = "tls_rustls_in";
const END: &str = "tls_rustls_end";

/// How names of the functions end that take what is to be sent, as Rust has written them, and as it does since.
const WRITERS: [&str; 2] = ["PlaintextSink$GT$5write", "PlaintextSink$GT$14write_vectored"];
const NEW_WRITERS: [&str; 2] = ["13PlaintextSink5write", "13PlaintextSink14write_vectored"];
/// The closure in the second of them.
const TRIFLE: &str = "PlaintextSink$GT$14write_vectored28_$u7b$$u7b$closure$u7d$$u7d$";
const NEW_TRIFLE: &str = "13PlaintextSink14write_vectored0";
/// Shortest function that compilers do not copy into several callers, bytes: LLVM's limit is 250, with 5 for most
/// instructions.
const NOT_COPIED_BYTES: u64 = 256;
/// Most functions of one name; each version of rustls in the program has its own.
const MAX_FUNCTIONS: usize = 64;
/// Most other functions of connections.
const MAX_OTHERS: usize = 4096;

/// A function of a name.
#[derive(Clone, Copy)]
struct Function {
    address: u64,
    bytes: u64,
}

/// Functions by what they are for.
#[derive(Default)]
struct Functions {
    methods: [Vec<Function>; METHODS.len()],
    handlers: Vec<Function>,
    writers: Vec<Function>,
    drops: Vec<Function>,
    /// What every compiler copies that copies anything.
    trifles: Vec<Function>,
    /// Others of rustls's connections, which may lie between these.
    others: Vec<Function>,
}

pub(super) fn find<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Option<Found> {
    let functions = Functions::of(image)?;
    let senders = functions.of_name(SENDER);
    let calls = Calls::new(image, &functions.others);
    let is_long = |sender: &Function| sender.bytes >= NOT_COPIED_BYTES || !functions.trifles.is_empty();
    let is_told = senders.iter().all(is_long)
        && calls.all_reach(&functions.writers, &senders)
        && calls.all_reach(&functions.handlers, &functions.of_name(RECEIVER));
    is_told.then_some(())?;
    let mut hooks = Vec::new();
    let ends = [(&("", END, false), &functions.drops)];
    for ((_, program, returns), functions) in METHODS.iter().zip(&functions.methods).chain(ends) {
        for function in functions {
            let offset = image.code_offset(function.address)?;
            hooks.push(Hook { offset, program, on_return: false });
            if *returns {
                hooks.push(Hook { offset, program: RETURN, on_return: true });
            }
        }
    }
    // Linkers put equal functions into one.
    hooks.sort_unstable();
    hooks.dedup_by_key(|hook| (hook.offset, hook.on_return));
    Some(Found { library: Library::Rustls, hooks })
}

impl Functions {
    /// `None` where what receives is not there, or there are too many of a name.
    fn of<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Option<Self> {
        let mut functions = Self::default();
        let of_symbols = image.is_x86_64().then(|| image.sized_functions(SHT_SYMTAB));
        for (name, address, bytes) in of_symbols.into_iter().flatten() {
            let Some(role) = role(name) else { continue };
            let (list, most) = match role {
                Role::Method(index) => (&mut functions.methods[index], MAX_FUNCTIONS),
                Role::Handler => (&mut functions.handlers, MAX_FUNCTIONS),
                Role::Writer => (&mut functions.writers, MAX_FUNCTIONS),
                Role::Drop => (&mut functions.drops, MAX_FUNCTIONS),
                Role::Trifle => (&mut functions.trifles, MAX_FUNCTIONS),
                Role::Other => (&mut functions.others, MAX_OTHERS),
            };
            list.push(Function { address, bytes });
            if list.len() > most {
                return None;
            }
        }
        (!functions.of_name(RECEIVER).is_empty()).then_some(functions)
    }

    /// The methods of a name.
    fn of_name(&self, name: &str) -> Vec<Function> {
        let named = METHODS.iter().zip(&self.methods).filter(|((known, ..), _)| *known == name);
        named.flat_map(|(_, functions)| functions).copied().collect()
    }
}

/// What a function is for.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// One of [`METHODS`].
    Method(usize),
    /// Handles records behind the handshake.
    Handler,
    /// Takes what is to be sent.
    Writer,
    /// Lets go of a `CommonState`.
    Drop,
    /// A function of one instruction or two, called at one place.
    Trifle,
    /// Another function of a connection.
    Other,
}

fn role(name: &[u8]) -> Option<Role> {
    let name = std::str::from_utf8(name).ok()?;
    // What the linker's optimizer made visible has a number behind its name.
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    if let Some(path) = name.strip_prefix("_ZN") {
        // Rust's older names: parts with their lengths, then a hash.
        let path = path.get(..path.len().checked_sub("17h0123456789abcdefE".len())?)?;
        if let Some(method) = path.strip_prefix("6rustls12common_state11CommonState") {
            let method = METHODS.iter().position(|(known, ..)| is_part(method, known));
            return Some(method.map_or(Role::Other, Role::Method));
        }
        let is_handler = path.contains("..ExpectTraffic$u20$as$u20$rustls..common_state..State$LT$");
        let is_drop = path == "4core3ptr54drop_in_place$LT$rustls..common_state..CommonState$GT$";
        return match () {
            () if is_handler && path.ends_with("$6handle") => Some(Role::Handler),
            () if path.contains("..ConnectionCommon$LT$")
                && WRITERS.iter().any(|end| path.ends_with(end)) =>
            {
                Some(Role::Writer)
            }
            () if is_drop => Some(Role::Drop),
            () if path.contains(TRIFLE) => Some(Role::Trifle),
            () if path.starts_with("6rustls4conn") => Some(Role::Other),
            () => None,
        };
    }
    let path = name.strip_prefix("_R").filter(|path| memmem::find(path.as_bytes(), b"_6rustls").is_some())?;
    if path.contains("12common_state") && path.starts_with("NvM") {
        let (_, method) = path.rsplit_once("11CommonState")?;
        let method = METHODS.iter().position(|(known, ..)| is_part(method, known));
        return Some(method.map_or(Role::Other, Role::Method));
    }
    let is_drop =
        path.contains("13drop_in_placeNtNtC") && path.contains("_6rustls12common_state11CommonStateE");
    match () {
        () if path.starts_with("NvX") && path.contains("13ExpectTraffic") && path.ends_with("6handle") => {
            Some(Role::Handler)
        }
        () if path.starts_with("NvX")
            && path.contains("16ConnectionCommon")
            && NEW_WRITERS.iter().any(|end| path.ends_with(end)) =>
        {
            Some(Role::Writer)
        }
        () if is_drop => Some(Role::Drop),
        () if path.starts_with("NCNvX") && path.contains(NEW_TRIFLE) => Some(Role::Trifle),
        () if path.contains("_6rustls4conn") => Some(Role::Other),
        () => None,
    }
}

/// Whether a name's part is this word, which its length stands before.
fn is_part(part: &str, word: &str) -> bool {
    part.strip_suffix(word).is_some_and(|length| length == word.len().to_string())
}

#[cfg(test)]
mod tests;
