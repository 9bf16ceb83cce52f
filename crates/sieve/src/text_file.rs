//! Text files of users: rules, policies, lists. Never more than fits, whatever the name leads to.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Largest file that is read, in bytes: a list of some hundred thousand paths.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Reads a file of at most [`MAX_BYTES`] of UTF-8. What is no file, such as a pipe, is read to its end.
///
/// # Errors
/// What the system says; [`ErrorKind::FileTooLarge`] and [`ErrorKind::InvalidData`], in words for a user.
///
/// # Example
/// ```
/// let none = kernscope_sieve::text_file::read("/dev/zero".as_ref()).unwrap_err();
/// assert_eq!(none.to_string(), "it has more than 33554432 bytes");
/// ```
pub fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let why = format!("it has more than {MAX_BYTES} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    String::from_utf8(bytes).map_err(|cause| {
        let at = cause.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is no text: byte {at} is not UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_nothing_else() {
        let file = std::env::temp_dir().join(format!("kernscope-text-{}", std::process::id()));
        std::fs::write(&file, "a\u{e4}").expect("written");
        assert_eq!(read(&file).expect("text"), "a\u{e4}");
        std::fs::write(&file, b"ab\xff").expect("written");
        let refused = read(&file).expect_err("no text");
        assert_eq!(refused.to_string(), "it is no text: byte 2 is not UTF-8");
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(read(&file).expect_err("gone").kind(), ErrorKind::NotFound);
        assert!(read(&std::env::temp_dir()).is_err());
    }
}
