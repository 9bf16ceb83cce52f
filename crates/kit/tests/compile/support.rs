//! Compiling, loading and running one filter on many inputs.

use kernscope_kit::compile::{Compiled, Content, Filter, Host, LoopShape, Options, Target, compile, oracle};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe;
use kernscope_kit::program::{Program, ProgramType};

/// Bytes of a frame that a test run wants at least.
const LEAST_BYTES: usize = 14;

/// Whether programs can be loaded here; says so if not.
pub(crate) fn privileged() -> bool {
    let mut asm = kernscope_kit::asm::Asm::new();
    asm.mov(kernscope_kit::asm::Reg::R0, 0).exit();
    let program = Program {
        name: "try".to_owned(),
        program_type: ProgramType::Xdp,
        insns: asm.finish().expect("two instructions"),
        maps: Vec::new(),
        functions: Vec::new(),
    };
    let loaded = Loaded::load(&program);
    if let Err(error) = &loaded {
        eprintln!("skipped: {error}");
    }
    loaded.is_ok()
}

/// What the tests run on: every shape of loop that loads here, and both ways of an XDP program to its packet.
pub(crate) fn hosts() -> Vec<Host> {
    let by_hand = Host { xdp_load_bytes: false, ..Host::running_with(LoopShape::Bounded) };
    let takes = |shape: &LoopShape| probe::loop_shape(*shape).is_yes();
    LoopShape::ALL.into_iter().filter(takes).map(Host::running_with).chain([by_hand]).collect()
}

/// A filter in the kernel.
pub(crate) struct Running {
    pub(crate) compiled: Compiled,
    pub(crate) loaded: Loaded,
}

impl Running {
    pub(crate) fn new(content: &Content, target: Target, host: Host) -> Running {
        let filter = Filter::content(content.clone());
        let compiled = compile(&filter, &Options::new(target, host)).expect("compiles");
        let loaded = Loaded::load(&compiled.program)
            .unwrap_or_else(|error| panic!("{target:?} {host:?} {content:?}: {error}"));
        Running { compiled, loaded }
    }

    /// Whether the kernel says that the data matches. A socket filter does not see the first 14 bytes of a frame.
    pub(crate) fn is_match(&self, data: &[u8]) -> bool {
        let target = self.compiled.options().target;
        let link = if target.program_type() == ProgramType::SocketFilter { LEAST_BYTES } else { 0 };
        let header = vec![0; link + target.skipped_bytes() as usize];
        let frame = [&header, data].concat();
        let run = TestRun { data: &frame, ..TestRun::default() };
        let returned = self.loaded.test_run(&run).expect("runs").retval;
        target.is_match(returned, self.compiled.options().on_match)
    }
}

/// Holds a filter against the oracle on every input, on every target that takes packets and in every shape.
pub(crate) fn agree(content: &Content, inputs: &[Vec<u8>]) {
    if !privileged() {
        return;
    }
    let inputs: Vec<&Vec<u8>> = inputs.iter().filter(|data| data.len() >= LEAST_BYTES).collect();
    let right: Vec<bool> = inputs.iter().map(|data| oracle::matches(content, data)).collect();
    let shapes = hosts().into_iter().map(|host| (Target::Xdp, host));
    let skbs = [Target::Tc, Target::Socket, Target::Datagram].map(|target| (target, Host::running()));
    for (target, host) in shapes.chain(skbs) {
        let running = Running::new(content, target, host);
        for (data, &right) in inputs.iter().zip(&right) {
            let beyond = data.len() > running.compiled.limit_bytes() as usize;
            assert_eq!(
                running.is_match(data),
                beyond || right,
                "{target:?} {host:?} {content:?} on {}",
                data.escape_ascii()
            );
        }
    }
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia 2003).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 up to but not `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Bytes of an alphabet.
    pub(crate) fn bytes(&mut self, alphabet: &[u8], len: usize) -> Vec<u8> {
        (0..len).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

/// Inputs of many lengths over an alphabet, with `planted` at the start, the end and anywhere.
pub(crate) fn inputs(random: &mut Random, alphabet: &[u8], planted: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for round in 0..count {
        let len = LEAST_BYTES + random.below([20, 100, 600, 3000][round % 4]);
        let mut data = random.bytes(alphabet, len);
        let fits = data.len().checked_sub(planted.len()).filter(|_| round % 3 != 0 && !planted.is_empty());
        if let Some(room) = fits {
            let at = [0, room, random.below(room + 1)][random.below(3)];
            data[at..at + planted.len()].copy_from_slice(planted);
        }
        inputs.push(data);
    }
    inputs
}
