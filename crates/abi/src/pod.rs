//! Structs as bytes and back.

use crate::layout::{Call, Config, Counters, FileKey, IoCount, IoKey, Layout, Types, Watched};
use crate::{
    Close, Content, Deny, Dns, Endpoint, Exec, ExecFail, Exit, FileId, Fork, Header, Mmap, Net, Open,
    PathHint, PathOp, Section, Snapshot, Strings, Tls, TlsTarget, UringSubmit,
};
use core::mem::size_of;

/// A struct that is nothing but its bytes.
///
/// # Safety
/// The type is `repr(C)`, has no padding, and every bit pattern is a value of it.
pub unsafe trait Pod: Copy + 'static {}

macro_rules! pod {
    ($($ty:ty),* $(,)?) => {
        $(
            // SAFETY: repr(C), integers and arrays of integers only, and `layout!` asserts offsets and size, so
            // that there is no padding.
            unsafe impl Pod for $ty {}
        )*
    };
}

pod!(
    Call,
    Close,
    Config,
    Content,
    Counters,
    Deny,
    Endpoint,
    Exec,
    ExecFail,
    Exit,
    FileId,
    FileKey,
    Fork,
    Header,
    IoCount,
    IoKey,
    Layout,
    Mmap,
    Net,
    Open,
    PathHint,
    PathOp,
    Section,
    Snapshot,
    Strings,
    Tls,
    TlsTarget,
    Dns,
    Types,
    UringSubmit,
    Watched,
);

// SAFETY: an integer.
unsafe impl Pod for u32 {}

/// The struct at the start of `bytes`; `None` when they are too few.
pub fn read<T: Pod>(bytes: &[u8]) -> Option<T> {
    let bytes = bytes.get(..size_of::<T>())?;
    // SAFETY: `bytes` holds size_of::<T>() readable bytes, `read_unaligned` needs no alignment, and `Pod`
    // promises that any bit pattern is a value.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of a struct.
pub fn bytes_of<T: Pod>(value: &T) -> &[u8] {
    // SAFETY: `Pod` promises that there is no padding, so all size_of::<T>() bytes are initialised; the
    // lifetime is that of `value`.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast::<u8>(), size_of::<T>()) }
}
