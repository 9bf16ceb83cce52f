//! Texts that are kept in `golden`, for tests of the binary and of the screens inside it.

use std::path::Path;

/// Holds a text against the one that is kept; `KERNSCOPE_BLESS=1` keeps this one.
pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("KERNSCOPE_BLESS").is_some() {
        std::fs::write(&path, actual).expect("write golden file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs; KERNSCOPE_BLESS=1 accepts it");
}
