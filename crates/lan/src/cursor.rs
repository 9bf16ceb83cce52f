//! Reading bytes that strangers wrote: every step may fail, none can panic.

/// What a decoder says of bytes that break its protocol's rules: which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The usual rule: there must be as many bytes as the protocol, or a length in it, says.
pub(crate) const SHORT: Malformed = Malformed("ends before it should");

/// What decoders give.
pub(crate) type Read<T> = Result<T, Malformed>;

/// Walks over bytes in network order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn left(self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// What is left, without going on.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `count` bytes as a cursor of their own.
    pub(crate) fn sub(&mut self, count: usize) -> Read<Self> {
        self.take(count).map(Self)
    }

    /// As [`Self::sub`], but what is missing at the end is forgiven: captures cut frames.
    pub(crate) fn sub_cut(&mut self, count: usize) -> Self {
        let (head, tail) = self.0.split_at(count.min(self.0.len()));
        self.0 = tail;
        Self(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Read<usize> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]) as usize)
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_beyond_the_end_fails_and_moves_nothing() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        assert_eq!(cursor.u16(), Ok(0x0102));
        assert_eq!(cursor.u32(), Err(SHORT));
        assert_eq!(cursor.take(2), Err(SHORT));
        assert_eq!((cursor.left(), cursor.sub_cut(9).rest()), (1, &[3][..]));
        assert!(cursor.is_empty());
    }
}
