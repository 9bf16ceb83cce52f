//! The text form of instructions: what is printed is read back, and what is read is what was meant.

use kernscope_kit::asm::{
    Alu, Atomic, Cond, Form, Imm64, Insn, Listing, Operand, Order, Reg, Size, Width, op, parse,
};
use proptest::prelude::*;
use proptest::sample::select;

fn reg() -> impl Strategy<Value = Reg> {
    select(&Reg::ALL[..])
}

fn width() -> impl Strategy<Value = Width> {
    select(&[Width::W32, Width::W64][..])
}

fn size() -> impl Strategy<Value = Size> {
    select(&[Size::B, Size::H, Size::W, Size::Dw][..])
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![reg().prop_map(Operand::Reg), any::<i32>().prop_map(Operand::Imm)]
}

fn imm64() -> impl Strategy<Value = Imm64> {
    prop_oneof![
        any::<u64>().prop_map(Imm64::Value),
        any::<i32>().prop_map(Imm64::MapFd),
        (any::<i32>(), any::<u32>()).prop_map(|(fd, off)| Imm64::MapFdValue(fd, off)),
        (any::<i32>(), any::<i32>()).prop_map(|(id, fd)| Imm64::Variable(id, fd)),
        any::<i32>().prop_map(Imm64::Function),
        any::<i32>().prop_map(Imm64::MapIdx),
        (any::<i32>(), any::<u32>()).prop_map(|(index, off)| Imm64::MapIdxValue(index, off)),
    ]
}

fn arithmetic() -> impl Strategy<Value = Form> {
    let bits = || select(&[16u8, 32, 64][..]);
    prop_oneof![
        (width(), select(&Alu::ALL[..]), any::<bool>(), reg(), operand()).prop_map(
            |(width, alu, signed, dst, operand)| {
                let signed = signed && matches!(alu, Alu::Div | Alu::Mod);
                Form::Alu { width, alu, signed, dst, operand }
            }
        ),
        (width(), select(&[8u8, 16, 32][..]), reg(), reg()).prop_map(|(width, bits, dst, src)| {
            let width = if bits == 32 { Width::W64 } else { width };
            Form::MovSigned { width, bits, dst, src }
        }),
        (width(), reg()).prop_map(|(width, dst)| Form::Neg { width, dst }),
        (select(&[Order::Le, Order::Be, Order::Swap][..]), bits(), reg())
            .prop_map(|(order, bits, dst)| Form::Order { order, bits, dst }),
        (reg(), reg(), any::<u16>(), any::<u16>()).prop_map(|(dst, src, to, from)| Form::CastSpace {
            dst,
            src,
            to,
            from
        }),
        (reg(), reg()).prop_map(|(dst, src)| Form::PerCpu { dst, src }),
        (reg(), imm64()).prop_map(|(dst, imm)| Form::Load64 { dst, imm }),
    ]
}

fn memory() -> impl Strategy<Value = Form> {
    let off = any::<i16>;
    let legacy = || select(&[Size::B, Size::H, Size::W][..]);
    prop_oneof![
        (size(), any::<bool>(), reg(), reg(), off()).prop_map(|(size, signed, dst, base, off)| {
            Form::Load { size, signed: signed && size != Size::Dw, dst, base, off }
        }),
        (size(), reg(), off(), operand()).prop_map(|(size, base, off, operand)| Form::Store {
            size,
            base,
            off,
            operand
        }),
        (select(&Atomic::ALL[..]), any::<bool>(), reg(), off(), reg()).prop_map(
            |(atomic, wide, base, off, src)| {
                let size = if wide { Size::Dw } else { Size::W };
                Form::Atomic { atomic, size, base, off, src }
            }
        ),
        (size(), reg(), reg(), off()).prop_map(|(size, dst, base, off)| Form::LoadAcquire {
            size,
            dst,
            base,
            off
        }),
        (size(), reg(), off(), reg()).prop_map(|(size, base, off, src)| Form::StoreRelease {
            size,
            base,
            off,
            src
        }),
        Just(Form::NoSpec),
        (legacy(), any::<i32>()).prop_map(|(size, imm)| Form::LoadAbs { size, imm }),
        (legacy(), reg(), any::<i32>()).prop_map(|(size, src, imm)| Form::LoadInd { size, src, imm }),
    ]
}

fn control() -> impl Strategy<Value = Form> {
    prop_oneof![
        any::<i16>().prop_map(|off| Form::Jump { off }),
        any::<i32>().prop_map(|off| Form::JumpLong { off }),
        (width(), select(&Cond::ALL[..]), reg(), operand(), any::<i16>())
            .prop_map(|(width, cond, dst, operand, off)| Form::JumpIf { width, cond, dst, operand, off }),
        any::<i16>().prop_map(|off| Form::MayGoto { off }),
        prop_oneof![any::<i32>(), 0..220].prop_map(|helper| Form::CallHelper { helper }),
        reg().prop_map(|reg| Form::CallReg { reg }),
        any::<i32>().prop_map(|off| Form::CallLocal { off }),
        (any::<i32>(), prop_oneof![Just(0i16), any::<i16>()])
            .prop_map(|(id, module)| Form::CallKfunc { id, module }),
        Just(Form::Exit),
    ]
}

fn forms() -> impl Strategy<Value = Vec<Form>> {
    prop::collection::vec(prop_oneof![arithmetic(), memory(), control()], 0..12)
}

fn encode(forms: &[Form]) -> Vec<Insn> {
    forms.iter().flat_map(|form| std::iter::once(form.encode().0).chain(form.encode().1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every instruction has one encoding and decodes to itself.
    #[test]
    fn an_instruction_decodes_to_itself(forms in forms()) {
        for form in forms {
            let insns = encode(&[form]);
            prop_assert_eq!(Form::decode(&insns), Some((form, insns.len())));
        }
    }

    /// Text of instructions is read back as the same instructions.
    #[test]
    fn a_listing_is_read_back(forms in forms()) {
        let insns = encode(&forms);
        let text = Listing(&insns).to_string();
        prop_assert_eq!(parse(&text), Ok(insns), "{}", text);
    }

    /// And so is that of any bytes, instructions or not.
    #[test]
    fn any_bytes_have_a_listing_that_is_read_back(words in prop::collection::vec(any::<u64>(), 0..12)) {
        let insns: Vec<Insn> = words.into_iter().map(Insn::from_word).collect();
        let text = Listing(&insns).to_string();
        prop_assert_eq!(parse(&text), Ok(insns), "{}", text);
    }

    /// Bytes near instructions: one that is valid, with a few bits changed.
    #[test]
    fn damaged_instructions_have_a_listing_that_is_read_back(forms in forms(), flips in prop::collection::vec((any::<usize>(), 0..64u32), 1..4)) {
        let mut insns = encode(&forms);
        for (at, bit) in flips {
            if !insns.is_empty() {
                let at = at % insns.len();
                insns[at] = Insn::from_word(insns[at].to_word() ^ 1 << bit);
            }
        }
        let text = Listing(&insns).to_string();
        prop_assert_eq!(parse(&text), Ok(insns), "{}", text);
    }

    /// Without index and code the text means the same, but for small 64-bit immediates, which the code tells from moves.
    #[test]
    fn the_bare_text_of_a_form_is_read_back(forms in forms()) {
        for form in forms {
            let ambiguous = matches!(form, Form::Load64 { imm: Imm64::Value(value), .. } if value <= i32::MAX as u64 || value as i64 >= i64::from(i32::MIN) && (value as i64) < 0);
            // A number after the name of no helper may be a helper's or a function's.
            if !ambiguous {
                let text = form.to_string();
                prop_assert_eq!(parse(&text), Ok(encode(&[form])), "{}", text);
            }
        }
    }

    /// Whatever the text, there is an answer.
    #[test]
    fn no_text_breaks_the_parser(text in "[ -~\n]{0,200}") {
        if let Ok(insns) = parse(&text) {
            prop_assert_eq!(parse(&Listing(&insns).to_string()), Ok(insns));
        }
    }
}

/// Each line, and its eight bytes (sixteen) as numbers of a little-endian machine.
#[cfg(target_endian = "little")]
#[test]
fn both_notations() {
    for (mnemonic, expression, words) in [
        ("add %r1, 4", "r1 += 4", &[0x0000_0004_0000_0107][..]),
        ("sub32 r1, -1", "w1 -= -1", &[0xffff_ffff_0000_0114]),
        ("mov %r0, 0xffffffff", "r0 = -1", &[0xffff_ffff_0000_00b7]),
        ("mov r1, r10", "r1 = r10", &[0x0000_0000_0000_a1bf]),
        ("sdiv %r1, %r2", "r1 s/= r2", &[0x0000_0000_0001_213f]),
        ("smod32 %r1, 3", "w1 s%= 3", &[0x0000_0003_0001_0194]),
        ("movsx864 %r1, %r2", "r1 = (s8)r2", &[0x0000_0000_0008_21bf]),
        ("movsx1632 %r1, %r2", "w1 = (s16)w2", &[0x0000_0000_0010_21bc]),
        ("arsh %r1, 3", "r1 s>>= 3", &[0x0000_0003_0000_01c7]),
        ("neg32 %r1", "w1 = -w1", &[0x0000_0000_0000_0184]),
        ("be16 %r1", "r1 = be16 r1", &[0x0000_0010_0000_01dc]),
        ("le64 %r1", "r1 = le64 r1", &[0x0000_0040_0000_01d4]),
        ("swap32 %r1", "r1 = bswap32 r1", &[0x0000_0020_0000_01d7]),
        ("ldxw %r1, [%r2+8]", "r1 = *(u32 *)(r2 +8)", &[0x0000_0000_0008_2161]),
        ("ldxsh %r1, [%r2-8]", "r1 = *(s16 *)(r2 -8)", &[0x0000_0000_fff8_2189]),
        ("stxdw [r10-8], r1", "*(u64 *)(r10 -8) = r1", &[0x0000_0000_fff8_1a7b]),
        ("stb [r1], 0xff", "*(u8 *)(r1 +0) = 255", &[0x0000_00ff_0000_0172]),
        ("lock add [r10-8], r1", "lock *(u64 *)(r10 -8) += r1", &[0x0000_0000_fff8_1adb]),
        (
            "lock fetch xor32 [r10-8], r1",
            "r1 = atomic_fetch_xor((u32 *)(r10 -8), r1)",
            &[0x0000_00a1_fff8_1ac3],
        ),
        (
            "lock cmpxchg [r10-8], r1",
            "r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)",
            &[0x0000_00f1_fff8_1adb],
        ),
        (
            "lddw r1, 0x1122334455667788",
            "r1 = 0x1122334455667788",
            &[0x5566_7788_0000_0118, 0x1122_3344_0000_0000],
        ),
        ("lddw r1, 5", "r1 = 5 ll", &[0x0000_0005_0000_0118, 0]),
        ("lddw r1, map_by_fd(5)", "r1 = map[id:5]", &[0x0000_0005_0000_1118, 0]),
        (
            "lddw r1, map_val(map_by_fd(5)) + 8",
            "r1 = map[id:5][0]+8",
            &[0x0000_0005_0000_2118, 0x0000_0008_0000_0000],
        ),
        ("lddw r1, var_addr(7)", "r1 = btf[id:7]", &[0x0000_0007_0000_3118, 0]),
        ("lddw r1, code_addr(+9)", "r1 = subprog[+9]", &[0x0000_0009_0000_4118, 0]),
        ("lddw r1, map_by_idx(2)", "r1 = map[idx:2]", &[0x0000_0002_0000_5118, 0]),
        (
            "lddw r1, map_val(map_by_idx(2)) + 8",
            "r1 = map[idx:2]+8",
            &[0x0000_0002_0000_6118, 0x0000_0008_0000_0000],
        ),
        ("ldabsh 12", "r0 = *(u16 *)skb[12]", &[0x0000_000c_0000_0028]),
        ("ldindb r7, -1", "r0 = *(u8 *)skb[r7 + -1]", &[0xffff_ffff_0000_7050]),
        ("ja +3", "goto pc+3", &[0x0000_0000_0003_0005]),
        ("ja32 -2", "gotol pc-2", &[0xffff_fffe_0000_0006]),
        ("jsgt r1, -1, +3", "if r1 s> 0xffffffff goto pc+3", &[0xffff_ffff_0003_0165]),
        ("jset32 r1, r2, +3", "if w1 & w2 goto pc+3", &[0x0000_0000_0003_214e]),
        ("may_goto +2", "may_goto pc+2", &[0x0000_0000_0002_00e5]),
        ("call 1", "call bpf_map_lookup_elem#1", &[0x0000_0001_0000_0085]),
        ("call bpf_map_lookup_elem", "call bpf_map_lookup_elem#292352", &[0x0000_0001_0000_0085]),
        ("call local +5", "call pc+5#bpf_prog_6deef7357e7b4530_f", &[0x0000_0005_0000_1085]),
        ("call runtime 99", "call kernel-function#99", &[0x0000_0063_0000_2085]),
        ("call runtime 99", "call bpf_iter_num_new#99", &[0x0000_0063_0000_2085]),
        ("call 292352", "call __htab_map_lookup_elem#292352", &[0x0004_7600_0000_0085]),
        ("call %r2", "callx r2", &[0x0000_0000_0000_028d]),
        ("exit", "exit", &[0x0000_0000_0000_0095]),
        (".raw 0xff", ".raw 255", &[0xff]),
    ] {
        let insns: Vec<Insn> = words.iter().copied().map(Insn::from_word).collect();
        assert_eq!(parse(mnemonic).as_ref(), Ok(&insns), "{mnemonic}");
        assert_eq!(parse(expression).as_ref(), Ok(&insns), "{expression}");
    }
}

#[test]
fn labels() {
    let program = "
        start:  mov r0, 0
                jeq r1, 0, exit     # the first exit, as none is called so
                call local f
        loop:   r0 += 1
                if r0 < 5 goto loop
                exit
        f:      lddw r1, code_addr(f)
                exit";
    let text = Listing(&parse(program).expect("a program")).to_string();
    let expected = "   0: (b7) r0 = 0
   1: (15) if r1 == 0x0 goto pc+3
   2: (85) call pc+3
   3: (07) r0 += 1
   4: (a5) if r0 < 0x5 goto pc-2
   5: (95) exit
   6: (18) r1 = subprog[-1]
   8: (95) exit
";
    assert_eq!(text, expected);
}

#[test]
fn a_dump_as_bpftool_prints_it() {
    let dump = "int pass(struct xdp_md * ctx):
; int pass(struct xdp_md *ctx) {
   0: (18) r1 = map[id:12][0]+0
       18 21 00 00 0c 00 00 00 00 00 00 00 00 00 00 00
; return XDP_PASS;
   2: (b7) r0 = 2
       b7 00 00 00 02 00 00 00
   3: (18) r2 = 0x5
   5: (95) exit
";
    let text = Listing(&parse(dump).expect("a program")).to_string();
    assert_eq!(
        text,
        "   0: (18) r1 = map[id:12][0]+0\n   2: (b7) r0 = 2\n   3: (18) r2 = 0x5\n   5: (95) exit\n"
    );
}

#[test]
fn wrong_text_is_told_with_line_and_cause() {
    for (text, message) in [
        ("exit\nmovv r0, 1", "line 2: there is no instruction `movv`"),
        ("mov r11, 1", "line 1: there is no register `r11`; the last is r10"),
        ("mov r1", "line 1: expected a number, found the end of the line"),
        ("mov r1, 0x1ffffffff", "line 1: 8589934591 is not between -2147483648 and 4294967295"),
        ("mov r1, 5 6", "line 1: expected the end of the line, found `6`"),
        ("\nja nowhere\nexit", "line 2: there is no label `nowhere`"),
        ("a: exit\na: exit", "line 2: label `a` is already on line 1"),
        ("ja +40000", "line 1: the target is 40000 instructions away, 32767 is the most"),
        ("ldxw r1, [r2+40000]", "line 1: 40000 is not between -32768 and 32767"),
        ("0: exit\n2: exit", "line 2: instruction 2 is in the place of 1"),
        ("(b7) r0 += 1", "line 1: the code says b7, the text is 07"),
        ("r1 = w2", "line 1: r2 has another width than the left side"),
        ("r0 = atomic_xchg((u64 *)(r1 +0), r0)", "line 1: `atomic_xchg` works on 4 bytes, not 8"),
        (
            "call nothing",
            "line 1: there is no helper `nothing`; a function of this program is `call local nothing`",
        ),
        ("lddw r1, map_by_fd(array)", "line 1: expected a number, found `array)`"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert_eq!(error, format!("assemble {message}"));
    }
}

#[test]
fn what_the_kernel_leaves_zero_must_be_zero() {
    let exit = Insn::EXIT;
    for insn in [Insn { imm: 1, ..exit }, Insn { off: 1, ..exit }, Insn { regs: 1, ..exit }] {
        assert_eq!(Form::decode(&[insn]), None);
    }
    assert_eq!(Form::decode(&[Insn::lddw(Reg::R0, op::PSEUDO_MAP_FD, 1 << 32)[0]]), None, "half");
    assert_eq!(
        Form::decode(&Insn::lddw(Reg::R0, op::PSEUDO_MAP_FD, 1 << 32)),
        None,
        "the second half of a map"
    );
}

#[test]
fn a_listing_is_as_wide_as_bpftools() {
    let text = Listing(&[Insn::EXIT; 1001]).to_string();
    assert!(text.starts_with("   0: (95) exit\n") && text.contains("\n 999: (95) exit\n"), "{text}");
    assert!(text.ends_with("\n 1000: (95) exit\n"), "a space before four digits too");
}
