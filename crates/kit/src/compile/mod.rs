//! Filters on content, compiled to eBPF: what is looked for becomes tables and a short program that walks them.
//!
//! ```
//! use kernscope_kit::compile::{Content, Filter, Host, LoopShape, Options, Target, compile};
//!
//! let filter = Filter::content(Content::literal("BEGIN RSA PRIVATE KEY"));
//! let host = Host::new(LoopShape::MayGoto);
//! let compiled = compile(&filter, &Options::new(Target::Xdp, host))?;
//! assert!(compiled.exact());
//! # Ok::<(), kernscope_kit::compile::CompileError>(())
//! ```
//!
//! The way from one to the other: [`Content`] says what is sought; `lower` decides how (`plan`), with a sieve before
//! every automaton that has one; `tables` are the patterns as bytes in a map; `emit` writes the instructions. Patterns
//! are in tables alone, so that [`Compiled::install`] changes them without loading a program again.
//!
//! What a filter cannot look at it lets match: data longer than [`Compiled::limit_bytes`], or data that the kernel does
//! not hand out. So a filter may say too much and never too little. [`oracle`] says what is right.

mod anchor;
mod automaton;
mod byteset;
pub mod cbpf;
mod common;
mod content;
mod emit;
mod host;
mod lower;
mod noted;
pub mod oracle;
pub mod packet;
mod plan;
mod regex;
mod require;
mod room;
pub mod rules;

mod sieve;
mod subsets;
mod tables;
mod target;
mod text;
mod thresholds;
mod update;
mod widen;
pub mod window;

pub use crate::probe::LoopShape;
pub use anchor::Anchors;
pub use automaton::Dfa;
pub use byteset::ByteSet;
pub use common::share;
pub use content::Content;
pub use host::{Host, online_cpus, possible_cpus};
pub use regex::{Regex, RegexError};
pub use require::{Required, literals as required_literals};
pub use target::{Action, Target, Verdict};
pub use thresholds::{ThresholdsError, parse as parse_thresholds};

use crate::asm::AsmError;
use crate::program::{MapRef, MapSpec, MapType, Program};
use plan::{Node, Walk};
use room::Room;

/// Most instructions written for rounds that the verifier counts out, times the rounds. It follows some of them twice;
/// this keeps it below 300,000, where its patience ends at a million.
const MOST_EFFORT: u64 = 160_000;
/// Shortest limit worth compiling for, bytes.
const LEAST_LIMIT_BYTES: u32 = 64;

/// What a packet or a buffer is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What its headers must say; without it, nothing is asked of them, and the data need not be a packet.
    pub packet: Option<packet::Expr>,
    /// What its bytes must hold; all of them are looked at. Without it, nothing is asked for.
    pub content: Option<Content>,
}

impl Filter {
    /// A condition on content alone.
    pub fn content(content: Content) -> Filter {
        Filter { packet: None, content: Some(content) }
    }

    /// A condition on headers alone.
    pub fn packet(packet: packet::Expr) -> Filter {
        Filter { packet: Some(packet), content: None }
    }

    /// Whether headers are all that is looked at.
    fn is_packet_only(&self) -> bool {
        self.packet.is_some() && self.content.is_none()
    }
}

/// What is asked of a program beside its condition.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where it runs.
    pub target: Target,
    /// What happens to packets that meet the condition; the opposite happens to all others.
    pub on_match: Action,
    /// What the kernel allows.
    pub host: Host,
    /// Whether verdicts are counted, see [`Compiled::COUNTS`].
    pub counts: bool,
    /// CPUs that have a window.
    pub cpus: u32,
    /// For buffers: the entry of a program array that is called with the same context when the verdict is in the window.
    pub onward: Option<u32>,
}

impl Options {
    /// What meets the condition is dropped, nothing is counted, every possible CPU of this machine has a window.
    pub fn new(target: Target, host: Host) -> Options {
        Options { target, on_match: Action::Drop, host, counts: false, cpus: possible_cpus(), onward: None }
    }
}

/// A condition that is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The automaton of the literals does not fit.
    #[error(
        "compile literals: their automaton has {states} states, more than fit {limit_bytes} bytes; split the list"
    )]
    TooLarge {
        /// States.
        states: usize,
        /// What they must fit into.
        limit_bytes: u32,
    },
    /// The data has no headers.
    #[error(
        "compile packet condition: a buffer is no packet; leave the condition out or choose another target"
    )]
    NoPacket,
    /// No byte is looked at together with another.
    #[error("compile thresholds: a window of 0 bytes holds nothing; give window=1 or more")]
    NoWindow,
    /// More bytes are counted than there are counters.
    #[error(
        "compile thresholds: {counts} different bytes; a window up to 127 bytes counts 32, up to 32767 16, a longer one 8"
    )]
    TooManyCounts {
        /// Bytes that are counted.
        counts: usize,
    },
    /// The parts do not fit one program.
    #[error("compile filter: too many parts for one program ({0}); split it")]
    TooManyParts(AsmError),
    /// The verifier would give up.
    #[error(
        "compile filter: a kernel without bpf_loop (before 5.17) would follow {insns} instructions; split it"
    )]
    TooMuchEffort {
        /// Instructions that it would follow.
        insns: u64,
    },
    /// The update needs another program.
    #[error("update filter: {0}; load it anew")]
    OtherProgram(&'static str),
}

/// A program, and what is known of it before it is loaded.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What to load.
    pub program: Program,
    options: Options,
    plan: Node,
    table: Vec<u8>,
    limit: u32,
    exact: bool,
}

/// Compiles a filter.
///
/// # Errors
/// A condition that is too large, see [`CompileError`].
pub fn compile(filter: &Filter, options: &Options) -> Result<Compiled, CompileError> {
    compile_like(filter, options, &[])
}

fn compile_like(filter: &Filter, options: &Options, like: &[Walk]) -> Result<Compiled, CompileError> {
    let any = Content::All(Vec::new());
    let content = filter.content.as_ref().unwrap_or(&any);
    let (mut plan, exact, table_bytes) = planned(content, options.host.shape, like)?;
    let table = tables::image(&mut plan, table_bytes);
    let (emitted, limit) = emit(filter, &plan, options, table_bytes)?;
    let program = Program {
        name: "kernscope".to_owned(),
        program_type: options.target.program_type(),
        insns: emitted.insns,
        maps: maps(options, if filter.is_packet_only() { 0 } else { limit }, &table),
        functions: emitted.functions,
    };
    Ok(Compiled { program, options: *options, plan, table, limit, exact })
}

/// A plan whose tables the kernel takes, if there is one; whether it is exact; and the bytes of its tables.
fn planned(content: &Content, shape: LoopShape, like: &[Walk]) -> Result<(Node, bool, u32), CompileError> {
    let plan = |room: &Room| {
        let mut lowering = lower::Lowering::new(like, *room);
        let mut plan = lowering.plan(content)?;
        let table_bytes = tables::place(&mut plan);
        Ok((plan, lowering.exact, table_bytes))
    };
    let mut first = None;
    for room in Room::of(shape) {
        let planned = plan(room)?;
        if Room::takes(shape, planned.2) {
            return Ok(planned);
        }
        first.get_or_insert(planned);
    }
    // None does: newer kernels with such loops take the best.
    first.map_or_else(|| plan(&Room::of(shape)[0]), Ok)
}

/// The instructions, for data as long as the kernel's patience allows, and how long that is.
fn emit(
    filter: &Filter,
    plan: &Node,
    options: &Options,
    table_bytes: u32,
) -> Result<(emit::Emitted, u32), CompileError> {
    if filter.packet.is_some() && options.target == Target::Buffer {
        return Err(CompileError::NoPacket);
    }
    let mut limit = options.host.limit_bytes(options.target);
    if options.target == Target::Xdp && !options.host.xdp_load_bytes {
        limit = limit.min(emit::MOST_BY_HAND_BYTES);
    }
    loop {
        let setting = emit::Setting {
            target: options.target,
            on_match: options.on_match,
            host: options.host,
            limit,
            table_bytes,
            counts: options.counts,
            onward: options.onward.filter(|_| options.target == Target::Buffer),
        };
        let emitted = emit::program(filter, plan, setting).map_err(CompileError::TooManyParts)?;
        if emitted.effort <= MOST_EFFORT {
            return Ok((emitted, limit));
        }
        if limit <= LEAST_LIMIT_BYTES {
            return Err(CompileError::TooMuchEffort { insns: emitted.effort });
        }
        // In proportion, but not for nothing: the last bytes of a scan take rounds of their own.
        let fits = u64::from(limit) * MOST_EFFORT / emitted.effort;
        limit = (fits as u32).min(limit - 64) / 64 * 64;
    }
}

/// The maps of a program, in the order of their references.
fn maps(options: &Options, limit: u32, table: &[u8]) -> Vec<MapSpec> {
    let window = MapSpec {
        name: "window".to_owned(),
        map_type: MapType::Array,
        key_size: 4,
        value_size: window::bytes(limit),
        max_entries: options.cpus * options.target.windows(),
        flags: 0,
        entries: Vec::new(),
    };
    let switch = MapSpec::table("switch", vec![0; 8]);
    let mut maps =
        vec![window, switch, MapSpec::mapped_table("tables", 2 * table.len() as u32, table.to_vec())];
    if options.counts {
        maps.push(MapSpec {
            name: "counts".to_owned(),
            map_type: MapType::PercpuArray,
            key_size: 4,
            value_size: 24,
            max_entries: 1,
            flags: 0,
            entries: Vec::new(),
        });
    }
    if options.onward.is_some() {
        maps.push(MapSpec {
            name: "onward".to_owned(),
            map_type: MapType::ProgArray,
            key_size: 4,
            value_size: 4,
            max_entries: options.onward.map_or(1, |index| index + 1),
            flags: 0,
            entries: Vec::new(),
        });
    }
    maps
}

impl Compiled {
    /// The windows, those of a CPU side by side, see [`window`].
    pub const WINDOW: MapRef = emit::WINDOW;
    /// One value of three 64-bit counts a CPU, by [`Verdict`]; only with [`Options::counts`].
    pub const COUNTS: MapRef = emit::COUNTS;

    /// The program array of [`Options::onward`].
    pub fn onward(&self) -> Option<MapRef> {
        self.options.onward.map(|_| emit::onward(self.options.counts))
    }

    /// Whether a match of the program is a match of the condition. If not, it may say too much, never too little.
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// Longest data that is looked at; longer data counts as a match.
    pub fn limit_bytes(&self) -> u32 {
        self.limit
    }

    /// How it was compiled.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Bytes of the patterns.
    pub fn table_bytes(&self) -> usize {
        self.table.len()
    }
}
