//! The seccomp filter: only calls that matter stop, all others run at full speed.
//!
//! Where the answer depends on nothing but the number, kernels from 5.11 on keep it in a bitmap, so that such a call pays
//! nothing at all. The filter allows whatever it does not know: it watches, it does not police.

use super::calls::{COMPAT, COMPAT_ARCH, LEGACY, Line, NATIVE, NATIVE_ARCH, When, X32_BIT};
use kernscope_kit::spawn::sock_filter;
use nix::libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_TRACE,
};

/// Offsets in `struct seccomp_data` (linux/seccomp.h).
const NR: u32 = 0;
const ARCH: u32 = 4;

/// The program.
pub(super) fn program() -> Vec<sock_filter> {
    let mut code = vec![load(ARCH)];
    let native: Vec<sock_filter> = [NATIVE, LEGACY].concat().iter().flat_map(line).collect();
    let mask = [load(NR), op(BPF_ALU | BPF_AND | BPF_K, 0, 0, !X32_BIT)];
    code.extend(block(NATIVE_ARCH, &[&mask[..], &native].concat()));
    if let Some(arch) = COMPAT_ARCH {
        let compat: Vec<sock_filter> = COMPAT.iter().flat_map(line).collect();
        code.extend(block(arch, &[&[load(NR)][..], &compat].concat()));
    }
    code.push(allow());
    code
}

/// `body`, for this architecture only; ends in an answer.
fn block(arch: u32, body: &[sock_filter]) -> Vec<sock_filter> {
    let body = [body, &[allow()]].concat();
    // A block is longer than a conditional jump reaches.
    let over = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut code = vec![op(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, arch), op(BPF_JMP, 0, 0, over)];
    code.extend(body);
    code
}

/// The instructions of one call; falls through when it is another.
fn line(&(nr, _, when): &Line) -> Vec<sock_filter> {
    let body = match when {
        When::Always => vec![trace()],
        When::Is(arg, values) => {
            let tests = values.iter().flat_map(|&v| [op(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, v), trace()]);
            std::iter::once(load_arg(arg)).chain(tests).chain([allow()]).collect()
        }
        When::NotZero(arg) => vec![
            load_arg(arg),
            op(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
            op(BPF_LD | BPF_W | BPF_ABS, 0, 0, arg_offset(arg) + HIGH),
            op(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0),
            trace(),
            allow(),
        ],
        When::Without(arg, bits) => {
            vec![load_arg(arg), op(BPF_JMP | BPF_JSET | BPF_K, 1, 0, bits), trace(), allow()]
        }
    };
    let nr = u32::try_from(nr).unwrap_or(u32::MAX);
    let skip = u8::try_from(body.len()).unwrap_or(u8::MAX);
    std::iter::once(op(BPF_JMP | BPF_JEQ | BPF_K, 0, skip, nr)).chain(body).collect()
}

/// Where the two halves of an argument are.
const LOW: u32 = if cfg!(target_endian = "little") { 0 } else { 4 };
const HIGH: u32 = 4 - LOW;

fn arg_offset(arg: usize) -> u32 {
    16 + 8 * u32::try_from(arg).unwrap_or(0)
}

fn load_arg(arg: usize) -> sock_filter {
    load(arg_offset(arg) + LOW)
}

fn load(offset: u32) -> sock_filter {
    op(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
}

fn trace() -> sock_filter {
    op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRACE)
}

fn allow() -> sock_filter {
    op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW)
}

fn op(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do: an interpreter for the instructions used here.
    fn run(arch: u32, nr: u32, args: [u64; 6]) -> bool {
        let mut data = [nr.to_ne_bytes(), arch.to_ne_bytes()].concat();
        data.extend_from_slice(&[0; 8]);
        args.iter().for_each(|arg| data.extend_from_slice(&arg.to_ne_bytes()));
        let code = program();
        let (mut at, mut acc) = (0_usize, 0_u32);
        loop {
            let ins = code[at];
            at += 1;
            let jump = |taken: bool| usize::from(if taken { ins.jt } else { ins.jf });
            match u32::from(ins.code) {
                c if c == BPF_LD | BPF_W | BPF_ABS => {
                    let at = ins.k as usize;
                    acc = u32::from_ne_bytes(data[at..at + 4].try_into().unwrap());
                }
                c if c == BPF_ALU | BPF_AND | BPF_K => acc &= ins.k,
                c if c == BPF_JMP | BPF_JEQ | BPF_K => at += jump(acc == ins.k),
                c if c == BPF_JMP | BPF_JSET | BPF_K => at += jump(acc & ins.k != 0),
                BPF_JMP => at += ins.k as usize,
                c if c == BPF_RET | BPF_K => return ins.k == SECCOMP_RET_TRACE,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn calls_that_matter_stop_and_others_do_not() {
        for &(nr, call, when) in NATIVE {
            let mut args = [0; 6];
            match when {
                When::Is(arg, values) => args[arg] = u64::from(values[0]),
                When::NotZero(arg) => args[arg] = 1 << 32,
                _ => {}
            }
            assert!(run(NATIVE_ARCH, u32::try_from(nr).unwrap(), args), "{call:?}");
        }
        assert!(!run(NATIVE_ARCH, 0, [0; 6]), "read");
        assert!(!run(1, 257, [0; 6]), "another architecture");
    }

    #[test]
    fn arguments_decide_where_they_can() {
        let nr = |call| u32::try_from(NATIVE.iter().find(|line| line.1 == call).unwrap().0).unwrap();
        use super::super::calls::Call;
        assert!(!run(NATIVE_ARCH, nr(Call::Sendto), [0; 6]));
        assert!(run(NATIVE_ARCH, nr(Call::Sendto), [0, 0, 0, 0, 1, 0]));
        assert!(!run(NATIVE_ARCH, nr(Call::Fcntl), [3, 1, 0, 0, 0, 0]));
        assert!(!run(NATIVE_ARCH, nr(Call::Mmap), [0, 0, 0, 0x22, 0, 0]));
        assert!(run(NATIVE_ARCH, nr(Call::Mmap), [0, 0, 0, 0x2, 3, 0]));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn no_way_around_by_another_abi() {
        assert!(run(NATIVE_ARCH, 257 | X32_BIT, [0; 6]), "x32");
        assert!(run(0x4000_0003, 5, [0; 6]), "int 0x80");
    }
}
