//! What whoever knows it may do: read elsewhere than on this machine, and say what is to be done about alerts.

use crate::failure::Failure;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use subtle::ConstantTimeEq;

/// Shorter ones can be guessed.
const BYTES_MIN: usize = 16;
const BYTES_MAX: usize = 256;

/// A secret that a client has to show.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// One that is made up now.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut bytes = [0; 16];
        let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        read.map_err(|cause| Failure::usage(format_args!("make a token: read /dev/urandom: {cause}")))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The one in a file: its first line, letters, digits, `-`, `_` and `.` only.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::usage(format_args!("token file {}: {why}", path.display()));
        let mut text = String::new();
        let file = File::open(path).map_err(|cause| wrong(&format!("{cause}; write a token into it")))?;
        if file.metadata().is_ok_and(|meta| meta.mode() & 0o077 != 0) {
            return Err(wrong("others can read it; chmod 600"));
        }
        file.take(4096).read_to_string(&mut text).map_err(|cause| wrong(&cause.to_string()))?;
        let token = text.lines().next().unwrap_or_default().trim();
        let is_plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_plain || !(BYTES_MIN..=BYTES_MAX).contains(&token.len()) {
            return Err(wrong(
                "it wants 16 to 256 letters, digits, - _ . in its first line (such as of: openssl rand -hex 16)",
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// Whether a client showed it. Takes as long whichever bytes are wrong.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// The secret itself, for who starts the server.
    pub(crate) fn show(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_only_itself_and_never_the_same_twice() {
        let [one, other] = [Token::random().expect("token"), Token::random().expect("token")];
        assert!(one.is(one.show()) && !one.is(other.show()) && !one.is("") && !one.is(&one.show()[1..]));
    }

    #[test]
    fn a_file_that_others_read_or_that_holds_little_is_refused() {
        let path = std::env::temp_dir().join(format!("kernscope-token-{}", std::process::id()));
        let read = |text: &str, mode: u32| {
            std::fs::write(&path, text).expect("write");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
            Token::read(&path).map(|token| token.show().to_owned()).map_err(|why| why.line().to_owned())
        };
        assert_eq!(read("0123456789abcdef\nmore", 0o600), Ok("0123456789abcdef".to_owned()));
        for (text, mode, said) in [
            ("0123456789abcdef", 0o644, "others can read"),
            ("short", 0o600, "16 to"),
            ("a\"; 456789abcdef0", 0o600, "16 to"),
        ] {
            assert!(read(text, mode).expect_err(text).contains(said));
        }
        std::fs::remove_file(&path).expect("remove");
    }
}
