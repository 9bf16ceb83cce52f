//! A case in the kernel and in the virtual machine.

use kernscope_kit::asm::{Insn, Reg};
use kernscope_kit::check::{check, check_with_args};
use kernscope_kit::compile::cbpf::{self, Actions};
use kernscope_kit::compile::{
    Action, CompileError, Compiled, Filter, Host, LoopShape, Options, Target, compile,
};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe;
use kernscope_kit::program::Program;
use kernscope_kit::vm::{Input, SkbFields, Vm};

use crate::case::{Case, Condition};
use crate::exprs::reads_far;
use crate::random::Random;
use crate::reach::{Reach, Wire};

/// The Ethernet header, which a test run of a socket filter takes off.
const HEADER: [u8; 14] = [0; 14];
const SKB_VLAN_PUSH: i32 = 18;

/// What a case runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) target: Target,
    pub(crate) host: Host,
    pub(crate) on_match: Action,
    /// A tag that is taken out of every packet, for tc programs that ask about headers alone.
    pub(crate) taken_tag: Option<u16>,
    /// What the kernel takes.
    pub(crate) reach: Reach,
}

/// The kernels to compile for: all shapes of loops that load here, each also with XDP programs that copy by themselves.
pub(crate) fn hosts() -> Vec<Host> {
    let loads = |shape: &LoopShape| probe::loop_shape(*shape).is_yes();
    let here: Vec<_> = LoopShape::ALL.into_iter().filter(loads).map(Host::running_with).collect();
    let by_hand = here.iter().map(|host| Host { xdp_load_bytes: false, ..*host });
    here.iter().copied().chain(by_hand).collect()
}

impl Setting {
    pub(crate) fn random(random: &mut Random, case: &Case, hosts: &[Host], reach: Reach) -> Setting {
        let target = random.pick(&[Target::Xdp, Target::Tc, Target::Socket]);
        let plain = !matches!(&case.condition, Condition::Filter(Filter { packet: Some(_), content: None }));
        let tag = random.once_in(2).then(|| random.pick(&crate::frames::VLANS));
        Setting {
            target,
            host: random.pick(hosts),
            on_match: random.pick(&[Action::Pass, Action::Drop]),
            taken_tag: tag.filter(|_| target == Target::Tc && !plain),
            reach,
        }
    }

    /// Longest input of a test run of the case's program, bytes.
    fn longest(&self, case: &Case) -> usize {
        match self.target {
            Target::Xdp => match &case.condition {
                // Reads what it asks of headers by itself, and of content where there is no helper.
                Condition::Filter(Filter { packet: None, .. }) if self.host.xdp_load_bytes => self.reach.xdp,
                Condition::Filter(Filter { packet: Some(expr), content: Some(_) })
                    if self.host.xdp_load_bytes && !reads_far(expr) =>
                {
                    self.reach.xdp
                }
                _ => self.reach.xdp_piece,
            },
            _ => self.reach.skb,
        }
    }
}

/// How bytes become what a program sees.
enum Runner {
    Kernel(Box<Kernel>),
    Vm(Box<Vm>),
}

/// A program in the kernel.
struct Kernel {
    loaded: Loaded,
    /// Longest input of a test run, bytes.
    longest: usize,
    /// For longer ones, where the program can be on a socket.
    wire: Option<Wire>,
}

/// One program somewhere.
pub(crate) struct Engine {
    pub(crate) name: String,
    runner: Runner,
    target: Target,
    taken_tag: Option<u16>,
    /// Bytes before those that content is judged from.
    skipped: usize,
    /// Bytes that the kernel takes off before the program sees the rest, and which inputs do not have.
    padded: bool,
    judge: Judge,
}

/// How what a program returns is held against what is right.
enum Judge {
    Filter {
        on_match: Action,
        exact: bool,
        limit: usize,
    },
    /// The value itself.
    Value,
    /// Whether it is zero.
    Actions(Actions),
}

/// A program that could not be made or loaded.
pub(crate) enum Refused {
    /// The condition is too large, as the compiler says; not an error.
    Compiler(String),
    /// It does not load.
    Kernel(String),
}

/// All engines of a case.
pub(crate) fn engines(case: &Case, setting: Setting) -> Result<Vec<Engine>, Refused> {
    match &case.condition {
        Condition::Filter(filter) => filters(filter, setting, setting.longest(case)),
        Condition::Classic(classic) => classics(classic, setting, setting.longest(case)),
    }
}

/// Loads a program, which the checks must have found nothing in; with a `wire`, inputs may be longer than test runs'.
fn load(program: &Program, longest: usize, wire: bool) -> Result<Runner, Refused> {
    check(program).map_err(|finding| Refused::Kernel(finding.to_string()))?;
    let loaded = Loaded::load(program).map_err(|error| Refused::Kernel(error.to_string()))?;
    let wire = wire.then(|| Wire::new(&loaded)).transpose().map_err(Refused::Kernel)?;
    Ok(Runner::Kernel(Box::new(Kernel { loaded, longest, wire })))
}

fn vm(program: &Program, taken_tag: Option<u16>) -> Result<Runner, Refused> {
    // Memory comes with its length.
    check_with_args(program, 2).map_err(|finding| Refused::Kernel(finding.to_string()))?;
    let mut vm = Vm::new(program).map_err(|error| Refused::Kernel(error.to_string()))?;
    vm.skb(SkbFields {
        vlan_present: taken_tag.is_some(),
        vlan_tci: taken_tag.unwrap_or(0),
        ..SkbFields::default()
    });
    Ok(Runner::Vm(Box::new(vm)))
}

fn filters(filter: &Filter, setting: Setting, longest: usize) -> Result<Vec<Engine>, Refused> {
    let Setting { target, host, on_match, taken_tag, .. } = setting;
    let compiled = |target| -> Result<Compiled, Refused> {
        let options = Options { on_match, ..Options::new(target, host) };
        compile(filter, &options).map_err(|error| match error {
            CompileError::NoPacket => Refused::Kernel(error.to_string()),
            error => Refused::Compiler(error.to_string()),
        })
    };
    let framed = filter.packet.is_some();
    let socket = target == Target::Socket;
    let engine = |name: &str, runner, compiled: &Compiled| Engine {
        name: format!("{name} {:?} {:?}", compiled.options().target, host.shape),
        runner,
        target: compiled.options().target,
        taken_tag: taken_tag.filter(|_| compiled.options().target == Target::Tc),
        skipped: 0,
        padded: false,
        judge: Judge::Filter {
            on_match,
            exact: compiled.exact(),
            limit: if filter.content.is_some() { compiled.limit_bytes() as usize } else { usize::MAX },
        },
    };
    let there = compiled(target)?;
    let mut program = there.program.clone();
    if let Some(tag) = taken_tag {
        take_tag(&mut program, tag);
    }
    let kernel = engine("kernel", load(&program, longest, socket && !framed)?, &there);
    let skipped = if socket && framed { HEADER.len() } else { 0 };
    let mut engines = vec![Engine { skipped, padded: socket && !framed, ..kernel }];
    // A socket's data begins behind the headers, which the virtual machine does not have then.
    if !(socket && framed && filter.content.is_some()) {
        engines.push(engine("vm", vm(&there.program, taken_tag)?, &there));
    }
    let memory = compiled(Target::Vm)?;
    engines.push(engine("vm", vm(&memory.program, None)?, &memory));
    Ok(engines)
}

/// Puts instructions in front that give every packet a tag beside it, as cards do.
fn take_tag(program: &mut Program, tag: u16) {
    let mut insns = vec![
        Insn::alu64(kernscope_kit::asm::Alu::Mov, Reg::R6, Reg::R1),
        Insn::alu64(kernscope_kit::asm::Alu::Mov, Reg::R2, i32::from(0x8100_u16.to_be())),
        Insn::alu64(kernscope_kit::asm::Alu::Mov, Reg::R3, i32::from(tag)),
        Insn::call(SKB_VLAN_PUSH),
        Insn::alu64(kernscope_kit::asm::Alu::Mov, Reg::R1, Reg::R6),
    ];
    insns.append(&mut program.insns);
    program.insns = insns;
}

fn classics(classic: &cbpf::Classic, setting: Setting, longest: usize) -> Result<Vec<Engine>, Refused> {
    let actions = match setting.on_match {
        Action::Pass => Actions { accept: 2, reject: 1 },
        Action::Drop => Actions { accept: 1, reject: 2 },
    };
    let (target, judge) = match setting.target {
        Target::Xdp => (cbpf::Target::Xdp(actions), Judge::Actions(actions)),
        Target::Tc => (cbpf::Target::Tc(actions), Judge::Actions(actions)),
        _ => (cbpf::Target::Socket, Judge::Value),
    };
    let program = |target| classic.translate(target).map_err(|error| Refused::Kernel(error.to_string()));
    let there = program(target)?;
    let engine = |name: &str, runner, target, judge| Engine {
        name: format!("{name} classic {target:?}"),
        runner,
        target,
        taken_tag: None,
        skipped: 0,
        padded: false,
        judge,
    };
    let kernel = engine("kernel", load(&there, longest, false)?, setting.target, judge);
    let same = match kernel.judge {
        Judge::Actions(actions) => Judge::Actions(actions),
        _ => Judge::Value,
    };
    let memory = program(cbpf::Target::Vm)?;
    Ok(vec![
        Engine { padded: setting.target == Target::Socket, ..kernel },
        engine("vm", vm(&there, None)?, setting.target, same),
        engine("vm", vm(&memory, None)?, Target::Vm, Judge::Value),
    ])
}

/// What came of one input in one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It agrees.
    Right,
    /// It matches where it need not, as it may.
    Over,
    /// The engine does not take such inputs.
    NotTaken,
    /// It disagrees, or does not run.
    Wrong(String),
}

impl Engine {
    /// Runs one input and holds it against what is right.
    pub(crate) fn judge(&mut self, case: &Case, input: &[u8]) -> Came {
        if !self.takes(input) {
            return Came::NotTaken;
        }
        let right = case.right(input, self.taken_tag, self.skipped.min(input.len()));
        let got = match self.run(input) {
            Ok(got) => got,
            Err(error) => return Came::Wrong(error),
        };
        let (agrees, over) = match self.judge {
            Judge::Value => (got == right, false),
            Judge::Actions(actions) => {
                (got == if right == 0 { actions.reject } else { actions.accept }.cast_unsigned(), false)
            }
            Judge::Filter { on_match, exact, limit } => {
                let matches = self.target.is_match(got, on_match);
                // What is too long to be looked at matches.
                let right = right != 0
                    || (input.len() - self.skipped > limit
                        && case.asks_content(input, self.taken_tag, self.skipped));
                (matches == right, matches && !exact)
            }
        };
        match (agrees, over) {
            (true, _) => Came::Right,
            (false, true) => Came::Over,
            _ => Came::Wrong(format!("returned {got}, right is {right}")),
        }
    }

    /// Whether the kernel runs a test on this: a frame has a header, and newer kernels want whole IP headers where it
    /// announces them to anything but XDP.
    fn takes(&self, input: &[u8]) -> bool {
        if let Runner::Kernel(kernel) = &self.runner
            && kernel.wire.is_none()
            && self.test_run_bytes(input) > kernel.longest
        {
            return false;
        }
        let least = match (&self.runner, self.target, input.get(12..14)) {
            (Runner::Vm(_), ..) => 0,
            _ if self.padded => 0,
            (_, Target::Tc | Target::Socket, Some([0x08, 0x00])) => 34,
            (_, Target::Tc | Target::Socket, Some([0x86, 0xdd])) => 54,
            _ => HEADER.len(),
        };
        input.len() >= least
    }

    /// Length of the frame of a test run.
    fn test_run_bytes(&self, input: &[u8]) -> usize {
        input.len() + if self.padded { HEADER.len() } else { 0 }
    }

    /// Longest data that the condition is asked of, if there is such a length.
    pub(crate) fn limit(&self) -> Option<usize> {
        match self.judge {
            Judge::Filter { limit, .. } if limit != usize::MAX => Some(limit + self.skipped),
            _ => None,
        }
    }

    fn run(&mut self, input: &[u8]) -> Result<u32, String> {
        let test_run_bytes = self.test_run_bytes(input);
        match &mut self.runner {
            Runner::Kernel(kernel) => {
                if let Some(wire) = kernel.wire.as_ref().filter(|_| test_run_bytes > kernel.longest) {
                    return wire.run(input);
                }
                let padded;
                let data = if self.padded {
                    padded = [&HEADER, input].concat();
                    &padded
                } else {
                    input
                };
                let run = TestRun { data, ..TestRun::default() };
                kernel.loaded.test_run(&run).map(|result| result.retval).map_err(|error| error.to_string())
            }
            Runner::Vm(vm) => {
                let mut bytes = input.to_vec();
                let input = match self.target {
                    Target::Xdp => Input::Xdp(&mut bytes),
                    Target::Tc | Target::Socket => Input::Skb(&mut bytes),
                    _ => Input::Memory(&mut bytes),
                };
                vm.run(input).map(|returned| returned as u32).map_err(|error| error.to_string())
            }
        }
    }
}
