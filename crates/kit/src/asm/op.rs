//! Numbers of the encoding: classes, modes, pseudo sources.

/// Load of an immediate or by the legacy packet modes.
pub const CLASS_LD: u8 = 0x00;
/// Load from memory.
pub const CLASS_LDX: u8 = 0x01;
/// Store of an immediate.
pub const CLASS_ST: u8 = 0x02;
/// Store of a register, and atomic operations.
pub const CLASS_STX: u8 = 0x03;
/// Arithmetic on 32 bits.
pub const CLASS_ALU: u8 = 0x04;
/// Jumps that compare 64 bits.
pub const CLASS_JMP: u8 = 0x05;
/// Jumps that compare 32 bits.
pub const CLASS_JMP32: u8 = 0x06;
/// Arithmetic on 64 bits.
pub const CLASS_ALU64: u8 = 0x07;
/// The bits of a code that are the class.
pub const CLASS_MASK: u8 = 0x07;

/// The operand is the immediate.
pub const SRC_K: u8 = 0x00;
/// The operand is a register.
pub const SRC_X: u8 = 0x08;
/// The bits of an arithmetic or jump code that are the operation.
pub const OP_MASK: u8 = 0xf0;

/// 64-bit immediate: two instructions.
pub const MODE_IMM: u8 = 0x00;
/// Legacy packet access at a fixed offset.
pub const MODE_ABS: u8 = 0x20;
/// Legacy packet access at a register plus an offset.
pub const MODE_IND: u8 = 0x40;
/// Ordinary memory.
pub const MODE_MEM: u8 = 0x60;
/// Ordinary memory, sign-extended.
pub const MODE_MEMSX: u8 = 0x80;
/// Atomic operation.
pub const MODE_ATOMIC: u8 = 0xc0;
/// The bits of a load or store code that are the mode.
pub const MODE_MASK: u8 = 0xe0;
/// The bits of a load or store code that are the size.
pub const SIZE_MASK: u8 = 0x18;

/// Arithmetic: byte order.
pub const ALU_END: u8 = 0xd0;
/// Arithmetic: negation.
pub const ALU_NEG: u8 = 0x80;
/// Jump: always.
pub const JMP_JA: u8 = 0x00;
/// Jump: call.
pub const JMP_CALL: u8 = 0x80;
/// Jump: return.
pub const JMP_EXIT: u8 = 0x90;
/// Jump: `may_goto` and its kin.
pub const JMP_JCOND: u8 = 0xe0;

/// `lddw`: the immediate is a map's descriptor.
pub const PSEUDO_MAP_FD: u8 = 1;
/// `lddw`: address in the first value of the map with this descriptor.
pub const PSEUDO_MAP_VALUE: u8 = 2;
/// `lddw`: a variable of the kernel, by its id in BTF.
pub const PSEUDO_BTF_ID: u8 = 3;
/// `lddw`: address of a function of this program.
pub const PSEUDO_FUNC: u8 = 4;
/// `lddw`: the immediate is the index of a map in the program's table.
pub const PSEUDO_MAP_IDX: u8 = 5;
/// `lddw`: address in the first value of the map with this index.
pub const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// `call`: a helper, by number.
pub const CALL_HELPER: u8 = 0;
/// `call`: a function of this program, relative.
pub const CALL_LOCAL: u8 = 1;
/// `call`: a function of the kernel, by its id in BTF.
pub const CALL_KFUNC: u8 = 2;

/// Store mode: a barrier against speculation, which the kernel inserts.
pub const MODE_NOSPEC: u8 = 0xc0;
/// Offset of a 64-bit move that casts between address spaces.
pub const CAST_SPACE: i16 = 1;
/// Offset of a 64-bit move that makes a per-CPU address; the kernel inserts it.
pub const PER_CPU: i16 = -1;
/// Immediate of an atomic operation: load with acquire order.
pub const LOAD_ACQUIRE: i32 = 0x100;
/// Immediate of an atomic operation: store with release order.
pub const STORE_RELEASE: i32 = 0x110;
