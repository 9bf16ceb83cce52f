//! Hardware addresses.
//!
//! ```
//! use kernscope_lan::Mac;
//! let mac: Mac = "b0:c5:54:25:5b:0e".parse().unwrap();
//! assert!(!mac.is_local() && !mac.is_group());
//! ```

use std::fmt;
use std::str::FromStr;

/// An EUI-48.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The first six bytes of `bytes`; `None` when there are fewer.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self)
    }

    /// Broadcast or multicast: never one device.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// All zero: no address.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }

    /// Locally administered: made up by software, so that the first bytes name no vendor. Phones and laptops take such an
    /// address for each network, virtual machines and containers have one too.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// Can be the address of one device.
    pub fn is_device(self) -> bool {
        !self.is_group() && !self.is_zero()
    }

    /// The last 64 bits of an IPv6 address made from this one (RFC 4291, appendix A).
    pub fn eui64(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0;
        [a ^ 2, b, c, 0xff, 0xfe, d, e, f]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hardware address; write it as b0:c5:54:25:5b:0e")]
pub struct NotMac;

impl FromStr for Mac {
    type Err = NotMac;

    fn from_str(text: &str) -> Result<Self, NotMac> {
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(NotMac)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| NotMac)?;
        }
        if parts.next().is_some() { Err(NotMac) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_back() {
        let mac = Mac([0x02, 0xc5, 0x54, 0x25, 0x5b, 0x0e]);
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert_eq!("02-C5-54-25-5B-0E".parse(), Ok(mac));
        for bad in ["", "02:c5:54:25:5b", "02:c5:54:25:5b:0e:00", "2:c5:54:25:5b:0e", "zz:c5:54:25:5b:0e"] {
            assert_eq!(bad.parse::<Mac>(), Err(NotMac), "{bad}");
        }
    }

    #[test]
    fn the_first_byte_says_what_sort_it_is() {
        assert!(Mac([0x02, 0, 0, 0, 0, 1]).is_local());
        assert!(Mac([0xff; 6]).is_group());
        assert!(!Mac([0; 6]).is_device());
        assert_eq!(Mac([0, 0x17, 0x88, 1, 2, 3]).eui64(), [2, 0x17, 0x88, 0xff, 0xfe, 1, 2, 3]);
    }
}
