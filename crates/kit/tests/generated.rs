//! Generated programs before the checks and in the virtual machine.

use kernscope_kit::check::{check, check_with_args};
use kernscope_kit::compile::{ByteSet, Content, Filter, Host, LoopShape, Options, Target, compile, oracle};
use kernscope_kit::load::Loaded;
use kernscope_kit::probe;
use kernscope_kit::vm::{Input, Vm};

fn contents() -> Vec<Content> {
    vec![
        Content::literal("needle"),
        Content::literals(["alpha", "beta", "gamma", "bet"]),
        Content::ClassRun { class: ByteSet::EMPTY.with(b'0', b'9'), min: 5 },
        Content::Thresholds { counts: vec![(b'a', 3), (b'b', 1)], window: 16 },
        Content::All(vec![Content::literal("one"), Content::literal("two")]),
    ]
}

const INPUTS: [&[u8]; 9] = [
    b"no such thing is in here",
    b"a needle in a haystack, and nothing else",
    b"at the very end of the data: needle",
    b"alphabet soup, or beta carotene",
    b"a number such as 12345 has five digits",
    b"1234 5678 9012 3456 do not",
    b"aaa and b close together aab",
    b"one thing, and two",
    b"two things and one",
];

/// Every shape of loop, with and without the helper that came with 5.18; the iterator only where the running kernel gives
/// its functions numbers.
fn hosts() -> Vec<Host> {
    let named = probe::kfunc("bpf_iter_num_new").is_some();
    let shapes = LoopShape::ALL.into_iter().filter(|shape| named || *shape != LoopShape::IterNum);
    let hosts = shapes.map(Host::running_with);
    hosts.flat_map(|host| [true, false].map(|xdp_load_bytes| Host { xdp_load_bytes, ..host })).collect()
}

/// What the program is run on: memory itself, or a packet.
fn input(target: Target, data: &mut [u8]) -> Input<'_> {
    match target {
        Target::Xdp => Input::Xdp(data),
        target if target.is_skb() => Input::Skb(data),
        _ => Input::Memory(data),
    }
}

/// The data behind what the program does not look at, which is all that is sought.
fn packet(target: Target, content: &Content, data: &[u8]) -> Vec<u8> {
    let wanted = if let Content::Literal { bytes, .. } = content { bytes.as_slice() } else { b"" };
    let header = wanted.iter().copied().chain(std::iter::repeat(b'a')).take(target.skipped_bytes() as usize);
    header.chain(data.iter().copied()).collect()
}

#[test]
fn generated_filters_pass_the_checks_and_are_right_in_the_machine() {
    let mut agreed = 0;
    for content in contents() {
        for host in hosts() {
            for target in [Target::Xdp, Target::Tc, Target::Socket, Target::Datagram, Target::Vm] {
                let options = Options::new(target, host);
                let compiled = compile(&Filter::content(content.clone()), &options).expect("compiles");
                let args = if target == Target::Vm { 2 } else { 1 };
                let checked = check_with_args(&compiled.program, args);
                assert_eq!(checked, Ok(()), "{content:?} {target:?} {host:?}");
                let mut vm = Vm::new(&compiled.program).expect("a machine");
                for data in INPUTS {
                    let r0 = vm
                        .fill(0xdead_beef_dead_beef, !0)
                        .run(input(target, &mut packet(target, &content, data)));
                    let r0 = r0.unwrap_or_else(|error| panic!("{content:?} {target:?} {host:?}: {error}"));
                    let found = target.is_match(r0 as u32, options.on_match);
                    let right = oracle::matches(&content, data);
                    assert_eq!(found, right, "{content:?} {target:?} {host:?} on {}", data.escape_ascii());
                    agreed += 1;
                }
            }
        }
    }
    println!("{agreed} verdicts agree");
}

/// The same programs in the kernel, which must take what the checks take.
#[test]
fn generated_filters_that_pass_the_checks_load() {
    let mut loaded = 0;
    // A kernel with a later shape than the bounded loop has the helper too, or is 5.17.
    let exist = |host: &Host| {
        let running = Host::running_with(host.shape).xdp_load_bytes;
        host.xdp_load_bytes == running || host.shape == LoopShape::Bounded && running
    };
    for host in hosts().into_iter().filter(exist) {
        let shape = probe::loop_shape(host.shape);
        if !shape.is_yes() {
            eprintln!("skipped in the kernel: {:?}: {}", host.shape, shape.why());
            continue;
        }
        for content in contents() {
            for target in [Target::Xdp, Target::Tc, Target::Socket, Target::Datagram, Target::Buffer] {
                let compiled = compile(&Filter::content(content.clone()), &Options::new(target, host));
                let program = compiled.expect("compiles").program;
                assert_eq!(check(&program), Ok(()), "{content:?} {target:?} {host:?}");
                let result = Loaded::load(&program);
                assert!(result.is_ok(), "{content:?} {target:?} {host:?}: {}", result.unwrap_err());
                loaded += 1;
            }
        }
    }
    println!("{loaded} programs loaded");
}
