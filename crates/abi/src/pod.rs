//! Structs as bytes and back.

use core::mem::size_of;

/// A value that is nothing but its bytes.
///
/// # Safety
/// The type has the same layout wherever it is compiled (an integer, an array of such, or `repr(C)`), has no padding, and
/// every bit pattern is a value of it.
pub unsafe trait Pod: Copy + 'static {}

macro_rules! integers {
    ($($ty:ty),*) => {
        $(
            // SAFETY: an integer.
            unsafe impl Pod for $ty {}
        )*
    };
}

integers!(u8, u16, u32, u64, i32, i64);

// SAFETY: elements follow each other without padding, and each is nothing but its bytes.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

/// Bytes of a field, from how it is reached; only of one that is [`Pod`].
pub(crate) const fn field_bytes<S, F: Pod>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// Says where the fields of structs lie, holds the compiler to it, and makes the structs [`Pod`]: fields that are, and that
/// together have as many bytes as the struct, leave no room for padding.
macro_rules! plain {
    ($($ty:ident = $size:literal { $($field:ident @ $off:literal),* $(,)? })*) => {
        $(
            const _: () = assert!(size_of::<$ty>() == $size);
            $(const _: () = assert!(core::mem::offset_of!($ty, $field) == $off);)*
            const _: () = assert!(0 $(+ $crate::pod::field_bytes(|of: &$ty| &of.$field))* == $size);
            // SAFETY: `repr(C)`; the fields are `Pod`, and the sum just asserted says that they are all and that there is no
            // padding.
            unsafe impl $crate::pod::Pod for $ty {}
        )*
    };
}
pub(crate) use plain;

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
