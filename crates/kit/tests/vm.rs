//! The virtual machine: what programs may and may not do in it.

use kernscope_kit::asm::{Insn, parse};
use kernscope_kit::program::{MapRef, MapSpec, MapType, Program, ProgramType};
use kernscope_kit::vm::{Input, SkbFields, Vm, VmError};

fn insns(text: &str) -> Vec<Insn> {
    parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn machine(program_type: ProgramType, maps: Vec<MapSpec>, text: &str) -> Vm {
    let program = Program { name: "test".into(), program_type, insns: insns(text), maps, functions: vec![] };
    Vm::new(&program).expect("a machine")
}

fn run(text: &str) -> Result<u64, VmError> {
    machine(ProgramType::Xdp, vec![], text).run(Input::Memory(&mut [1, 2, 3, 4, 5, 6, 7, 8]))
}

fn wrong(text: &str) -> String {
    run(text).expect_err(text).to_string()
}

fn map(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec { name: "map".into(), map_type, key_size, value_size, max_entries, flags: 0, entries: vec![] }
}

#[test]
fn accesses_stay_in_their_region() {
    assert_eq!(run("ldxdw r0, [r1]\nexit"), Ok(0x0807_0605_0403_0201_u64.to_le()));
    for (text, said) in [
        ("ldxw r0, [r1+5]\nexit", "0 (r0 = *(u32 *)(r1 +5)): 4 bytes at offset 5 of the memory, which has 8"),
        ("ldxb r0, [r1-1]\nexit", "0 (r0 = *(u8 *)(r1 -1)): 1 byte at 0x8ffffffff, where there is nothing"),
        (
            "stxb [r10], r1\nexit",
            "0 (*(u8 *)(r10 +0) = r1): 1 byte at offset 512 of the stack frame, which has 512",
        ),
        (
            "stdw [r10-520], 0\nexit",
            "0 (*(u64 *)(r10 -520) = 0): 8 bytes at 0xfffffff8, where there is nothing",
        ),
        ("mov r2, 0\nldxb r0, [r2]\nexit", "1 (r0 = *(u8 *)(r2 +0)): 1 byte at 0x0, where there is nothing"),
        (
            "call local f\nexit\nf: ldxb r0, [r10+0]\nexit",
            "2 (r0 = *(u8 *)(r10 +0)): 1 byte at offset 512 of",
        ),
        ("mov r3, r10\nlsh r3, 32\nldxb r0, [r3]\nexit", "2 (r0 = *(u8 *)(r3 +0)): 1 byte at"),
    ] {
        assert!(wrong(text).contains(said), "{text}: {}", wrong(text));
    }
}

#[test]
fn a_frame_ends_with_its_call() {
    let gone = "call local f\nldxb r0, [r0]\nexit\nf: mov r0, r10\nadd r0, -1\nexit";
    assert!(wrong(gone).contains("where there is nothing"), "{}", wrong(gone));
    let passed = "stdw [r10-8], 41\nmov r1, r10\ncall local f\nexit\nf: ldxdw r0, [r1-8]\nadd r0, 1\nexit";
    assert_eq!(run(passed), Ok(42));
}

#[test]
fn calls_keep_what_is_the_callers_and_nothing_else() {
    let text = "mov r6, 1\nmov r9, 2\ncall local f\nmov r0, r6\nadd r0, r9\nexit
        f: mov r6, 50\nmov r9, 60\nmov r0, 0\nexit";
    assert_eq!(run(text), Ok(3));
    let mut vm =
        machine(ProgramType::Xdp, vec![], "mov r1, 7\ncall local f\nmov r0, r1\nexit\nf: mov r0, 0\nexit");
    assert_eq!(vm.fill(99, 0).run(Input::Memory(&mut [])), Ok(99), "r1 is lost in a call");
    assert!(wrong("f: call local f\nexit").ends_with("more than 8 calls deep"));
}

#[test]
fn what_is_no_program_ends_with_an_error() {
    for (text, said) in [
        ("mov r0, 0", "run instruction 1 (past the end): the program goes on past its end"),
        ("ja +5", "run instruction 6 (past the end): the program goes on past its end"),
        ("ja -2", "the program goes on past its end"),
        ("mov r10, 0\nexit", "run instruction 0 (r10 = 0): r10 cannot be written"),
        (".raw 0xff", "run instruction 0 (0x00000000000000ff): not an instruction"),
        ("ja +1\nlddw r0, 1\nexit", "run instruction 2 (0x0000000000000000): not an instruction"),
        ("call 9999\nexit", "helper 9999 is not known here"),
        ("call bpf_redirect\nexit", "run instruction 0 (call bpf_redirect#23): helper 23 is not known here"),
        ("lddw r1, map_by_idx(0)\nexit", "0x0 is no map of the program"),
        ("lddw r1, map_by_fd(3)\nexit", "a map by its descriptor cannot be run here"),
    ] {
        assert!(wrong(text).contains(said), "{text}: {}", wrong(text));
    }
}

#[test]
fn the_budget_bounds_every_run() {
    let mut vm = machine(ProgramType::Xdp, vec![], "mov r0, 0\na: add r0, 1\nja a");
    let error = vm.budget(1000).run(Input::Memory(&mut [])).expect_err("no end");
    assert!(error.is_budget() && error.insn().is_some(), "{error}");
    let mut vm = machine(ProgramType::Xdp, vec![], "mov r0, 3\nexit");
    assert_eq!(vm.budget(2).run(Input::Memory(&mut [])), Ok(3));
    assert!(vm.budget(1).run(Input::Memory(&mut [])).is_err());
}

#[test]
fn may_goto_goes_at_last() {
    let mut vm = machine(ProgramType::Xdp, vec![], "mov r0, 0\na: may_goto out\nadd r0, 1\nja a\nout: exit");
    assert_eq!(vm.run(Input::Memory(&mut [])), Ok(8 << 20));
}

#[test]
fn maps_are_looked_up_changed_and_kept() {
    for (kind, missing) in
        [(MapType::Hash, 0), (MapType::LruHash, 0), (MapType::PercpuHash, 0), (MapType::Array, 7)]
    {
        let text = "stw [r10-4], 3
            lddw r1, map_by_idx(0)\nmov r2, r10\nadd r2, -4\ncall bpf_map_lookup_elem
            jeq r0, 0, none\nldxw r6, [r0]\nadd r6, 1\nstxw [r0], r6\nmov r0, r6\nexit
            none: stw [r10-8], 7\nlddw r1, map_by_idx(0)\nmov r2, r10\nadd r2, -4\nmov r3, r10\nadd r3, -8\nmov r4, 0
            call bpf_map_update_elem\nexit";
        let mut vm = machine(ProgramType::Xdp, vec![map(kind, 4, 4, 8)], text);
        if missing != 0 {
            vm.map_mut(MapRef(0)).set(&3u32.to_ne_bytes(), &7u32.to_ne_bytes()).expect("room");
        } else {
            assert_eq!(vm.run(Input::Memory(&mut [])), Ok(0), "{kind:?}");
        }
        assert_eq!(vm.run(Input::Memory(&mut [])), Ok(8), "{kind:?}");
        assert_eq!(vm.run(Input::Memory(&mut [])), Ok(9), "{kind:?}");
        assert_eq!(vm.map(MapRef(0)).get(&3u32.to_ne_bytes()), Some(&9u32.to_ne_bytes()[..]));
        assert_eq!(vm.map_mut(MapRef(0)).remove(&3u32.to_ne_bytes()), kind != MapType::Array);
    }
}

#[test]
fn a_map_whose_values_are_too_long_is_refused_though_it_has_none() {
    for (kind, key_size) in [(MapType::Array, 4), (MapType::Hash, 4), (MapType::RingBuf, 0)] {
        let program = Program {
            name: "test".into(),
            program_type: ProgramType::Xdp,
            insns: insns("exit"),
            maps: vec![map(kind, key_size, u32::MAX, 0)],
            functions: vec![],
        };
        let told = Vm::new(&program).expect_err("four gigabytes a value").to_string();
        assert!(told.contains("are too much for the machine"), "{told}");
    }
}

#[test]
fn maps_have_the_kernels_answers() {
    let call = |flags: u64, key: u32| {
        format!(
            "stw [r10-4], {key}\nstdw [r10-16], 5\nlddw r1, map_by_idx(0)\nmov r2, r10\nadd r2, -4\nmov r3, r10
             add r3, -16\nmov r4, {flags}\ncall bpf_map_update_elem\nexit"
        )
    };
    for (kind, flags, key, answer) in [
        (MapType::Array, 0, 1, 0),
        (MapType::Array, 0, 2, -7),
        (MapType::Array, 1, 1, -17),
        (MapType::Hash, 2, 1, -2),
        (MapType::Hash, 9, 1, -22),
    ] {
        let mut vm = machine(ProgramType::Xdp, vec![map(kind, 4, 8, 2)], &call(flags, key));
        assert_eq!(
            vm.run(Input::Memory(&mut [])).map(u64::cast_signed),
            Ok(answer),
            "{kind:?} {flags} {key}"
        );
    }
    let full = |kind| {
        let mut vm = machine(ProgramType::Xdp, vec![map(kind, 4, 8, 2)], &call(0, 3));
        for key in [1u32, 2] {
            vm.map_mut(MapRef(0)).set(&key.to_ne_bytes(), &[0; 8]).expect("room");
        }
        let answer = vm.run(Input::Memory(&mut [])).map(u64::cast_signed);
        (answer, vm.map(MapRef(0)).keys())
    };
    let keys = |keys: [u32; 2]| keys.map(|key| key.to_ne_bytes().to_vec()).to_vec();
    assert_eq!(full(MapType::Hash), (Ok(-7), keys([1, 2])));
    assert_eq!(full(MapType::LruHash), (Ok(0), keys([2, 3])));
}

#[test]
fn a_value_ends_where_it_ends() {
    let text = |off: i32| format!("lddw r1, map_val(map_by_idx(0)) + {off}\nldxb r0, [r1]\nexit");
    let value = |off| {
        machine(ProgramType::Xdp, vec![MapSpec::table("t", vec![1, 2, 3])], &text(off))
            .run(Input::Memory(&mut []))
    };
    assert_eq!(value(2), Ok(3));
    let error = value(3).expect_err("the end").to_string();
    assert!(error.ends_with("1 byte at offset 3 of a value of a map, which has 3"), "{error}");
    // The next value of an array is no neighbour.
    let text = "mov r2, r10\nadd r2, -4\nstw [r10-4], 0\nlddw r1, map_by_idx(0)\ncall 1\njeq r0, 0, out\nldxb r0, [r0+3]\nout: exit";
    let error =
        machine(ProgramType::Xdp, vec![map(MapType::Array, 4, 3, 4)], text).run(Input::Memory(&mut []));
    assert!(error.is_err(), "{error:?}");
}

#[test]
fn the_longest_prefix_wins() {
    let mut spec = map(MapType::LpmTrie, 8, 1, 8);
    let key = |bits: u32, address: [u8; 4]| [bits.to_ne_bytes(), address].concat();
    spec.entries = vec![
        (key(8, [10, 0, 0, 0]), vec![1]),
        (key(20, [10, 1, 0x10, 0]), vec![2]),
        (key(0, [0; 4]), vec![3]),
    ];
    let vm = machine(ProgramType::Xdp, vec![spec], "exit");
    for (address, value) in [([10, 1, 0x1f, 9], 2), ([10, 1, 0x20, 9], 1), ([11, 0, 0, 1], 3)] {
        assert_eq!(vm.map(MapRef(0)).get(&key(32, address)), Some(&[value][..]), "{address:?}");
    }
    assert_eq!(
        vm.map(MapRef(0)).get(&key(4, [10, 0, 0, 0])),
        Some(&[3][..]),
        "a short key has no long prefix"
    );
}

#[test]
fn records_reach_the_ring_in_order() {
    let text = "mov r6, r1
        lddw r1, map_by_idx(0)\nmov r2, 8\nmov r3, 0\ncall bpf_ringbuf_reserve\njeq r0, 0, full
        ldxdw r2, [r6]\nstxdw [r0], r2\nmov r1, r0\nmov r2, 0\ncall bpf_ringbuf_submit
        lddw r1, map_by_idx(0)\nmov r2, r6\nmov r3, 3\nmov r4, 0\ncall bpf_ringbuf_output\nexit
        full: mov r0, 77\nexit";
    let mut vm = machine(ProgramType::Xdp, vec![map(MapType::RingBuf, 0, 0, 64)], text);
    assert_eq!(vm.run(Input::Memory(&mut [1, 2, 3, 4, 5, 6, 7, 8])), Ok(0));
    assert_eq!(vm.run(Input::Memory(&mut [9; 8])).map(u64::cast_signed), Ok(-11), "room for one more only");
    assert_eq!(vm.run(Input::Memory(&mut [9; 8])), Ok(77));
    assert_eq!(vm.map_mut(MapRef(0)).take_records(), [&[1, 2, 3, 4, 5, 6, 7, 8][..], &[1, 2, 3], &[9; 8]]);
    assert_eq!(vm.run(Input::Memory(&mut [9; 8])), Ok(0));
    let kept = "lddw r1, map_by_idx(0)\nmov r2, 8\nmov r3, 0\ncall bpf_ringbuf_reserve\nmov r0, 0\nexit";
    let mut vm = machine(ProgramType::Xdp, vec![map(MapType::RingBuf, 0, 0, 64)], kept);
    let error = vm.run(Input::Memory(&mut [])).expect_err("a record is kept").to_string();
    assert!(error.ends_with("1 reserved record(s) neither submitted nor discarded"), "{error}");
}

#[test]
fn callbacks_are_called_in_turn() {
    let text = |rounds: u32, stop: u32| {
        format!(
            "stdw [r10-8], 0\nmov r1, {rounds}\nlddw r2, code_addr(f)\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall bpf_loop
             ldxdw r1, [r10-8]\nlsh r1, 32\nor r0, r1\nexit
             f: ldxdw r3, [r2]\nadd r3, r1\nstxdw [r2], r3\nmov r0, 0\njne r1, {stop}, out\nmov r0, 1\nout: exit"
        )
    };
    assert_eq!(run(&text(5, 99)), Ok((1 + 2 + 3 + 4) << 32 | 5));
    assert_eq!(run(&text(5, 2)), Ok((1 + 2) << 32 | 3));
    assert_eq!(run(&text(0, 2)), Ok(0));
    assert_eq!(run(&text((8 << 20) + 1, 2)).map(u64::cast_signed), Ok(-7));
}

#[test]
fn tail_calls_replace_the_program() {
    let array = || vec![map(MapType::ProgArray, 4, 4, 2)];
    let text = "mov r6, 5\nlddw r2, map_by_idx(0)\nmov r3, 1\ncall bpf_tail_call\nmov r0, 1\nexit";
    let mut vm = machine(ProgramType::Xdp, array(), text);
    assert_eq!(vm.run(Input::Xdp(&mut [])), Ok(1), "nothing there");
    vm.set_tail(MapRef(0), 1, &insns("mov r0, 2\nexit")).expect("a program array");
    assert_eq!(vm.run(Input::Xdp(&mut [])), Ok(2));
    // Into itself: 33 times and no more.
    let again = "lddw r2, map_val(map_by_idx(1)) + 0\nldxw r3, [r2]\nadd r3, 1\nstxw [r2], r3
        lddw r2, map_by_idx(0)\nmov r3, 0\ncall bpf_tail_call\nmov r0, 9\nexit";
    let maps = vec![map(MapType::ProgArray, 4, 4, 2), MapSpec::table("count", vec![0; 4])];
    let mut vm = machine(ProgramType::Xdp, maps, again);
    vm.set_tail(MapRef(0), 0, &insns(again)).expect("a program array");
    assert_eq!(vm.run(Input::Xdp(&mut [])), Ok(9));
    assert_eq!(vm.map(MapRef(1)).get(&[0; 4]), Some(&34u32.to_ne_bytes()[..]));
    assert!(vm.set_tail(MapRef(1), 0, &[]).is_err() && vm.set_tail(MapRef(0), 2, &[]).is_err());
}

const BOUNDS: &str = "ldxw r2, [r1+0]\nldxw r3, [r1+4]\nmov r4, r2\nadd r4, 2\nmov r0, 99\njgt r4, r3, out
    ldxb r0, [r2+1]\nstb [r2], 7\nout: exit";

#[test]
fn an_xdp_program_reads_and_writes_its_packet() {
    let mut vm = machine(ProgramType::Xdp, vec![], BOUNDS);
    let mut packet = [1, 2, 3];
    assert_eq!(vm.run(Input::Xdp(&mut packet)), Ok(2));
    assert_eq!(packet, [7, 2, 3]);
    assert_eq!(vm.run(Input::Xdp(&mut [1])), Ok(99));
    let field = |text: &str| machine(ProgramType::Xdp, vec![], text).run(Input::Xdp(&mut [1]));
    assert_eq!(field("ldxw r0, [r1+12]\nexit"), Ok(1));
    for (text, said) in [
        ("ldxdw r0, [r1]\nexit", "xdp_md cannot be read at offset 0 with 8 bytes"),
        ("ldxw r0, [r1+24]\nexit", "xdp_md cannot be read at offset 24 with 4 bytes"),
        ("stw [r1], 0\nexit", "xdp_md cannot be written at offset 0 with 4 bytes"),
    ] {
        let error = field(text).expect_err(text).to_string();
        assert!(error.ends_with(said), "{error}");
    }
}

#[test]
fn an_skb_has_its_fields() {
    let fields =
        SkbFields { protocol: 0x0800, mark: 5, vlan_tci: 7, vlan_present: true, ..SkbFields::default() };
    let run = |kind, text: &str| machine(kind, vec![], text).skb(fields).run(Input::Skb(&mut [1, 2, 3]));
    for kind in [ProgramType::SchedCls, ProgramType::SocketFilter] {
        assert_eq!(run(kind, "ldxw r0, [r1]\nexit"), Ok(3), "length");
        assert_eq!(run(kind, "ldxw r0, [r1+16]\nbe16 r0\nexit"), Ok(0x0800), "protocol");
        assert_eq!(
            run(kind, "ldxb r0, [r1+8]\nexit"),
            Ok(if cfg!(target_endian = "little") { 5 } else { 0 })
        );
        assert_eq!(run(kind, "ldxw r0, [r1+24]\nldxw r2, [r1+20]\nadd r0, r2\nexit"), Ok(8), "VLAN");
        assert_eq!(run(kind, "mov r2, 9\nstxw [r1+52], r2\nldxw r0, [r1+52]\nexit"), Ok(9), "control block");
        assert_eq!(run(kind, "mov r6, r1\nldabsh 1\nexit"), Ok(0x0203));
        assert_eq!(run(kind, "mov r6, r1\nmov r7, 1\nldindb r7, 1\nexit"), Ok(3));
        assert_eq!(run(kind, "mov r6, r1\nmov r0, 5\nldabsw 0\nmov r0, 6\nexit"), Ok(0), "beyond the packet");
        let load = "mov r3, r10\nadd r3, -8\nmov r2, 1\nmov r4, 2\ncall bpf_skb_load_bytes\nldxh r1, [r10-8]\nbe16 r1\nor r0, r1\nexit";
        assert_eq!(run(kind, load), Ok(0x0203));
        let beyond = "stdw [r10-8], -1\nmov r3, r10\nadd r3, -8\nmov r2, 2\nmov r4, 2\ncall 26\nldxh r1, [r10-8]\nsub r0, r1\nexit";
        assert_eq!(run(kind, beyond).map(u64::cast_signed), Ok(-14), "zeros, and an error");
    }
    assert_eq!(
        run(ProgramType::SchedCls, &BOUNDS.replace("[r1+0]", "[r1+76]").replace("[r1+4]", "[r1+80]")),
        Ok(2)
    );
    let error =
        run(ProgramType::SocketFilter, "ldxw r2, [r1+76]\nexit").expect_err("no direct access").to_string();
    assert!(
        error.ends_with("__sk_buff of a socket filter cannot be read at offset 76 with 4 bytes"),
        "{error}"
    );
}

#[test]
fn memory_is_probed_without_fault() {
    let read = |from: &str| {
        run(&format!(
            "mov r3, {from}\nstdw [r10-8], -1\nmov r1, r10\nadd r1, -8\nmov r2, 4\ncall bpf_probe_read_kernel
            ldxw r1, [r10-8]\nlsh r1, 32\nadd r0, r1\nexit"
        ))
    };
    assert_eq!(read("r1"), Ok(u64::from(u32::from_ne_bytes([1, 2, 3, 4])) << 32));
    assert_eq!(read("0").map(u64::cast_signed), Ok(-14));
}

#[test]
fn a_map_that_cannot_be_is_refused() {
    let new = |spec: MapSpec| {
        let program = Program {
            name: "t".into(),
            program_type: ProgramType::Xdp,
            insns: vec![],
            maps: vec![spec],
            functions: vec![],
        };
        Vm::new(&program).map(drop).expect_err("refused").to_string()
    };
    assert!(new(map(MapType::Array, 8, 4, 1)).contains("the key of an array has 4 bytes, not 8"));
    assert!(new(map(MapType::Array, 4, u32::MAX, u32::MAX)).contains("too much"));
    let mut spec = map(MapType::Array, 4, 4, 1);
    spec.entries = vec![(vec![9, 0, 0, 0], vec![0; 4])];
    assert!(new(spec.clone()).contains("full"));
    spec.entries = vec![(vec![0], vec![0; 4])];
    assert!(new(spec).contains("1 and 4 bytes do not fit"));
}
