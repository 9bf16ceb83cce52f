//! How many instructions the kernel makes of a classic program, read in the kernel.
//!
//! A classic filter has no id, and `SO_GET_FILTER` gives it back as it was. But it hangs on its socket: an iterator over
//! open files finds the socket, and follows `sk->sk_filter->prog->len`, which is the length after conversion.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use kernscope_kit::asm::{Alu, Asm, Cond, Insn, Reg, Size, op};
use kernscope_kit::btf::{Btf, Named};
use kernscope_kit::compile::cbpf::Classic;
use kernscope_kit::sys;

const TRACING: u32 = 26;
const TRACE_ITER: u32 = 28;
const PROBE_READ_KERNEL: i32 = 113;

/// A socket, and the iterator that looks at its filter.
pub(crate) struct Lengths {
    socket: UnixDatagram,
    map: OwnedFd,
    link: OwnedFd,
}

impl Lengths {
    /// `None`, said out loud, where the kernel has no BTF.
    pub(crate) fn new() -> Option<Lengths> {
        let btf =
            Btf::vmlinux().map_err(|error| eprintln!("SKIPPED: length of conversions: {error}")).ok()?;
        let socket = UnixDatagram::unbound().expect("a socket");
        let create =
            sys::MapCreate { map_type: 2, key_size: 4, value_size: 8, max_entries: 1, ..Default::default() };
        let map = sys::map_create(create).expect("a map");
        let insns = looks_at(&btf, &socket, &map).expect("fields of the kernel's structs");
        let program = sys::Program {
            expected_attach_type: TRACE_ITER,
            attach_btf_id: btf
                .id(Named::Function, "bpf_iter_task_file")
                .expect("an iterator over open files"),
            ..sys::Program::new(TRACING, &insns)
        };
        let program = sys::prog_load(&program)
            .unwrap_or_else(|error| panic!("load an iterator: {}\n{}", error.err, error.log));
        let link =
            sys::link_create(program.as_fd(), TRACE_ITER, 0, sys::LinkTarget::Iterator).expect("a link");
        Some(Lengths { socket, map, link })
    }

    /// Instructions of `program` as the kernel has converted it.
    pub(crate) fn of(&self, program: &Classic) -> usize {
        program.attach(self.socket.as_fd()).expect("attach a classic filter");
        let iterator = sys::iter_create(self.link.as_fd()).expect("an iterator");
        let mut nothing = Vec::new();
        std::fs::File::from(iterator).read_to_end(&mut nothing).expect("run the iterator");
        sys::array_first(self.map.as_fd()).expect("the length") as usize
    }
}

/// Writes `prog->len` of the filter of this process's `socket` to `map`.
fn looks_at(btf: &Btf, socket: &UnixDatagram, map: &OwnedFd) -> Option<Vec<Insn>> {
    let field = |path| btf.offset(path).and_then(|offset| i16::try_from(offset).ok());
    let (file, task, end) = (Reg::R7, Reg::R8, Reg::R10);
    let mut asm = Asm::new();
    let other = asm.label();
    asm.load(Size::Dw, file, Reg::R1, field("bpf_iter__task_file.file")?).jump_if(Cond::Eq, file, 0, other);
    asm.load(Size::Dw, task, Reg::R1, field("bpf_iter__task_file.task")?).jump_if(Cond::Eq, task, 0, other);
    asm.load(Size::W, Reg::R2, Reg::R1, field("bpf_iter__task_file.fd")?);
    asm.jump_if32(Cond::Ne, Reg::R2, socket.as_raw_fd(), other);
    asm.load(Size::W, Reg::R2, task, field("task_struct.tgid")?);
    asm.jump_if32(Cond::Ne, Reg::R2, std::process::id().cast_signed(), other);
    asm.load(Size::Dw, Reg::R3, file, field("file.private_data")?);
    for path in ["socket.sk", "sock.sk_filter", "sk_filter.prog", "bpf_prog.len"] {
        let bytes = if path == "bpf_prog.len" { 4 } else { 8 };
        asm.store(Size::Dw, end, -8, 0);
        asm.alu64(Alu::Add, Reg::R3, i32::from(field(path)?)).mov(Reg::R1, end).alu64(Alu::Add, Reg::R1, -8);
        asm.mov(Reg::R2, bytes).call(PROBE_READ_KERNEL).load(Size::Dw, Reg::R3, end, -8);
    }
    for insn in Insn::lddw(Reg::R1, op::PSEUDO_MAP_VALUE, map.as_raw_fd() as u64) {
        asm.push(insn);
    }
    asm.store(Size::Dw, Reg::R1, 0, Reg::R3);
    asm.bind(other);
    asm.mov(Reg::R0, 0).exit();
    asm.finish().ok()
}
