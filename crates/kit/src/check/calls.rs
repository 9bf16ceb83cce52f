//! How deep calls go, and how much stack they take together.

use super::finding::{Finding, Kind};
use super::flow::stack_bytes;
use super::shape::Shape;
use crate::program::{Program, ProgramType};

/// Frames at once: `MAX_CALL_FRAMES`.
const MAX_FRAMES: usize = 8;
/// Bytes of all frames at once: `MAX_BPF_STACK`.
const MAX_BYTES: usize = 512;
/// Kernels count a frame in steps of 16 or 32 bytes; the smaller is taken.
const STEP: usize = 16;

/// Holds the deepest chain of calls against the limits.
pub(super) fn depth(program: &Program, shape: &Shape) -> Result<(), Finding> {
    let calls = (0..shape.forms.len()).filter_map(|at| {
        let callee = shape.function(shape.callee(at)?);
        Some((at, shape.function(at), callee))
    });
    let mut search = Search {
        program,
        calls: calls.collect(),
        bytes: stack_bytes(shape).iter().map(|bytes| bytes.max(&1).next_multiple_of(STEP)).collect(),
        deepest: vec![None; shape.starts.len()],
    };
    search.visit(0, &mut Vec::new()).map(drop)
}

/// Frames and bytes of a chain of calls.
#[derive(Clone, Copy, Debug)]
struct Chain {
    frames: usize,
    bytes: usize,
}

struct Search<'a> {
    program: &'a Program,
    /// Slot, caller, callee.
    calls: Vec<(usize, usize, usize)>,
    bytes: Vec<usize>,
    /// The longest chain that starts with each function, once it is known: most frames, most bytes.
    deepest: Vec<Option<Chain>>,
}

impl Search<'_> {
    fn visit(&mut self, function: usize, above: &mut Vec<usize>) -> Result<Chain, Finding> {
        if let Some(known) = self.deepest[function] {
            return Ok(known);
        }
        above.push(function);
        let mut chain = Chain { frames: 1, bytes: self.bytes[function] };
        let calls: Vec<_> = self.calls.iter().filter(|(_, caller, _)| *caller == function).copied().collect();
        for (at, _, callee) in calls {
            let fail = |kind| Err(Finding::new(&self.program.insns, at, kind));
            if above.contains(&callee) {
                return fail(Kind::Recursion);
            }
            if above.len() >= 64 {
                return fail(Kind::Depth(above.len() + 1));
            }
            let below = self.visit(callee, above)?;
            chain.frames = chain.frames.max(below.frames + 1);
            chain.bytes = chain.bytes.max(below.bytes + self.bytes[function]);
            let fail = |kind| Err(Finding::new(&self.program.insns, at, kind));
            if chain.frames > MAX_FRAMES {
                return fail(Kind::Depth(chain.frames));
            }
            // From 6.13 programs of tracing have a stack for each frame.
            let shared = !matches!(
                self.program.program_type,
                ProgramType::Kprobe
                    | ProgramType::Tracepoint
                    | ProgramType::RawTracepoint
                    | ProgramType::Tracing
            );
            if shared && chain.bytes > MAX_BYTES {
                return fail(Kind::Stacks { frames: chain.frames, bytes: chain.bytes });
            }
        }
        above.pop();
        self.deepest[function] = Some(chain);
        Ok(chain)
    }
}
