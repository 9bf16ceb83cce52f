//! Colours, or none.

/// What a piece of text is, as a colour says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Times, numbers, lines of the tree.
    Dim,
    /// Headings.
    Bold,
    /// Processes begin and end.
    Process,
    /// Files.
    File,
    /// What changes or removes files.
    Change,
    /// Sockets.
    Net,
    /// Failures.
    Error,
    /// All is well.
    Good,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    /// Appends `text` in a colour; `text` must be clean.
    pub(super) fn put(self, line: &mut String, ink: Ink, text: &str) {
        if !self.0 || text.is_empty() {
            line.push_str(text);
            return;
        }
        let code = match ink {
            Ink::Dim => "2",
            Ink::Bold => "1",
            Ink::Process => "1;35",
            Ink::File => "34",
            Ink::Change => "33",
            Ink::Net => "36",
            Ink::Error => "1;31",
            Ink::Good => "32",
        };
        line.push_str("\x1b[");
        line.push_str(code);
        line.push('m');
        line.push_str(text);
        line.push_str("\x1b[0m");
    }
}
