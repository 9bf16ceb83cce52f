//! From text to commands, without failing: what is no shell is read as far as it can be.
//!
//! Nothing is run, and no file is looked at. Bounded: [`MAX_BYTES`] of text, [`MAX_COMMANDS`], [`MAX_DEPTH`] substitutions in one
//! another; what is beyond is not read.

use super::expand::{self, Vars};
use super::script::{Command, Script, Sep, Word};

/// Bytes of a text that are read.
pub(super) const MAX_BYTES: usize = 128 * 1024;
const MAX_COMMANDS: usize = 2000;
/// Bytes that variables and substitutions put into a text.
const MAX_PUT_IN_BYTES: usize = 512 * 1024;
const MAX_DEPTH: usize = 12;

/// Words that are no commands where one may begin.
const RESERVED: [&str; 14] =
    ["if", "then", "elif", "else", "fi", "do", "done", "while", "until", "{", "}", "!", "time", "esac"];
/// Those among them, and beside them, that make a text a program.
const COMPOUND: [&str; 6] = ["if", "while", "until", "for", "case", "select"];

/// Takes a text apart.
pub(super) fn parse(text: &str) -> Script {
    parse_in(text, &[])
}

/// Takes a text apart that is run where these variables are known.
pub(super) fn parse_in(text: &str, known: &[(String, String)]) -> Script {
    let bytes = text.as_bytes();
    let mut parser = Parser {
        text: &bytes[..bytes.len().min(MAX_BYTES)],
        at: 0,
        script: Script { exported: known.to_vec(), ..Script::default() },
        vars: Vars::given(known),
        end: None,
        names_program: false,
        fed: None,
        room: MAX_PUT_IN_BYTES,
        depth: 0,
        pipeline: 0,
        documents: Vec::new(),
    };
    parser.list(None, None);
    parser.script
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) script: Script,
    pub(super) vars: Vars,
    /// What ends the list that is read.
    pub(super) end: Option<u8>,
    /// The word that is read is the first of a command.
    pub(super) names_program: bool,
    /// What `<(...)` gives, where that can be told, and the command that reads it.
    pub(super) fed: Option<(usize, String)>,
    /// Bytes that variables and substitutions may still put in.
    pub(super) room: usize,
    depth: usize,
    pipeline: usize,
    /// Here-documents that begin behind the next end of line: delimiter, and whether variables are put in.
    documents: Vec<(String, bool)>,
}

impl Parser<'_> {
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn starts(&self, with: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(with.as_bytes()))
    }

    fn done(&self) -> bool {
        self.at >= self.text.len() || self.script.commands.len() >= MAX_COMMANDS
    }

    /// Commands up to `end`, or to the end of the text. `host`: the command that they are substituted into.
    pub(super) fn list(&mut self, end: Option<u8>, host: Option<usize>) {
        if self.depth >= MAX_DEPTH {
            return self.skip(end);
        }
        let outer = std::mem::replace(&mut self.end, end);
        let names_program = self.names_program;
        self.depth += 1;
        self.pipeline += 1;
        let (mut before, mut tight, mut quotes, mut is_first) = (Sep::Start, false, false, true);
        loop {
            let mut command = Command {
                before,
                tight,
                after_quotes: quotes,
                at: self.at,
                host,
                pipeline: self.pipeline,
                ..Command::default()
            };
            let index = self.command(&mut command);
            let was_empty = command.is_empty() && index.is_none();
            let quoted_end = command.words.last().is_some_and(|word| word.quoted);
            if host.is_none() && is_first && was_empty && !self.done() && self.peek(0) != b'\n' {
                self.script.begins_empty = true;
            }
            let ends_at = self.at;
            if self.done() || end == Some(self.peek(0)) {
                if host.is_none() && was_empty && before != Sep::Start && before != Sep::Newline {
                    self.script.dangles = true;
                }
                if end.is_some() && self.done() {
                    self.script.broken = true;
                }
                self.at += usize::from(!self.done());
                break;
            }
            self.script.operators.push(self.at);
            before = self.separator();
            tight = was_tight(self.text, ends_at, self.at);
            quotes = quoted_end;
            if before != Sep::Pipe {
                self.pipeline += 1;
            }
            is_first &= was_empty;
        }
        self.depth -= 1;
        self.names_program = names_program;
        self.end = outer;
    }

    /// Reads what stands between two commands.
    fn separator(&mut self) -> Sep {
        let (sep, len) = match (self.peek(0), self.peek(1)) {
            (b';', b';') => (Sep::Semicolon, 2),
            (b'&', b'&') => (Sep::And, 2),
            (b'|', b'|') => (Sep::Or, 2),
            (b'|', b'&') => (Sep::Pipe, 2),
            (b'|', _) => (Sep::Pipe, 1),
            (b'&', _) => (Sep::Background, 1),
            (b'\n', _) => (Sep::Newline, 1),
            _ => (Sep::Semicolon, 1),
        };
        self.at += len;
        if sep == Sep::Newline {
            self.here_documents();
        }
        sep
    }

    /// Reads one command and notes it; where it is noted.
    fn command(&mut self, command: &mut Command) -> Option<usize> {
        // Its place is taken now, so that what is substituted into it knows it.
        let index = self.script.commands.len();
        self.script.commands.push(command.clone());
        while !self.done() {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                c if Some(c) == self.end => break,
                b'\n' | b';' | b'|' => break,
                b'&' if self.peek(1) != b'>' => break,
                b'#' => self.comment(),
                b'(' => {
                    self.script.operators.push(self.at);
                    self.script.calls |= self.is_call(command);
                    self.at += 1;
                    let is_function = command.words.len() == 1 && self.peek(0) == b')';
                    if is_function {
                        // What follows is its body.
                        self.at += 1;
                        self.script.functions.extend(command.words.iter().map(|word| word.text.clone()));
                        command.words.clear();
                    } else {
                        self.list(Some(b')'), command_host(command, index));
                    }
                }
                b')' => {
                    // No parenthesis is open; in `case` it ends a pattern.
                    self.script.broken |= !self.script.compound;
                    break;
                }
                b'<' | b'>' if self.peek(1) != b'(' => self.redirect(command, index, ""),
                b'&' => self.redirect(command, index, ""),
                _ => self.operand(command, index),
            }
        }
        if command.is_empty() && self.script.commands.len() == index + 1 {
            self.script.commands.pop();
            return None;
        }
        self.script.exported.extend(self.vars.assign(command));
        self.vars.begin_loop(command);
        if let Some((_, text)) = self.fed.take_if(|(reader, _)| *reader == index) {
            command.input.get_or_insert(text);
        }
        expand::braces(command);
        self.script.commands[index] = command.clone();
        Some(index)
    }

    /// `x.exec('id')`: a parenthesis that no shell takes, and a text in it.
    fn is_call(&self, command: &Command) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
        let glued = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let text = matches!(self.peek(1), b'\'' | b'"')
            || self.peek(1) == b'\\' && matches!(self.peek(2), b'\'' | b'"');
        glued && text && command.words.len() > 1 && !matches!(command.name(), "[[" | "case" | "for")
    }

    /// A word, a reserved one, an assignment, or the number before a redirection.
    fn operand(&mut self, command: &mut Command, index: usize) {
        self.names_program = command.words.is_empty();
        let words = self.word(index);
        self.names_program = false;
        if let [only] = &words[..]
            && let Some(name) = only.text.strip_suffix('=').filter(|name| is_name(name))
            && self.peek(0) == b'('
            && command.words.is_empty()
        {
            let value = self.array(index);
            return command.assigns.push((name.to_owned(), value));
        }
        let digits = words.len() == 1
            && !words[0].text.is_empty()
            && words[0].text.bytes().all(|b| b.is_ascii_digit());
        if digits && matches!(self.peek(0), b'<' | b'>') && self.peek(1) != b'(' {
            return self.redirect(command, index, &words[0].text);
        }
        for word in words {
            let first = command.words.is_empty();
            if first && COMPOUND.contains(&&*word.text) {
                self.script.compound = true;
            }
            match word.text.split_once('=') {
                _ if first && RESERVED.contains(&&*word.text) && !word.quoted => {}
                Some((name, value)) if first && is_name(name) => {
                    command.assigns.push((name.to_owned(), value.to_owned()));
                    command.assigned_vars.extend(word.vars.iter().cloned());
                }
                _ => command.words.push(word),
            }
        }
    }

    /// The words of `name=(...)`, joined by spaces.
    fn array(&mut self, index: usize) -> String {
        self.at += 1;
        let mut words = Vec::new();
        while !self.done() && self.peek(0) != b')' {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'|' | b'&' | b'<' | b'>' | b'(' => self.at += 1,
                _ => words.extend(self.word(index).into_iter().map(|word| word.text)),
            }
        }
        self.at = (self.at + 1).min(self.text.len());
        words.join(" ")
    }

    fn comment(&mut self) {
        while !self.done() && self.peek(0) != b'\n' {
            self.at += 1;
        }
        self.script.dangles |= self.at >= self.text.len();
    }

    fn redirect(&mut self, command: &mut Command, index: usize, number: &str) {
        self.script.operators.push(self.at);
        let start = self.at;
        while matches!(self.peek(0), b'<' | b'>' | b'&' | b'|' | b'-') && self.at < start + 3 {
            if self.peek(0) == b'|' && self.text.get(self.at - 1) != Some(&b'>') {
                break;
            }
            self.at += 1;
        }
        let op = format!("{number}{}", String::from_utf8_lossy(&self.text[start..self.at]));
        while matches!(self.peek(0), b' ' | b'\t') {
            self.at += 1;
        }
        let stops =
            matches!(self.peek(0), b'\n' | b';' | b'|' | b'&' | b')' | 0) || Some(self.peek(0)) == self.end;
        let mut words = if stops { Vec::new() } else { self.word(index) };
        let target = if words.is_empty() { Word::default() } else { words.remove(0) };
        match op.trim_start_matches(|c: char| c.is_ascii_digit()) {
            "<<" | "<<-" => self.documents.push((target.text, !target.quoted)),
            "<<<" => command.input = Some(target.text),
            _ => command.redirects.push((op, target)),
        }
    }

    /// The lines of here-documents, which are the input of the commands that were read last.
    fn here_documents(&mut self) {
        for (delimiter, is_filled) in std::mem::take(&mut self.documents) {
            let mut body = String::new();
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
                self.at = (self.at + line.len() + 1).min(self.text.len());
                let line = String::from_utf8_lossy(line);
                if line.trim_start_matches('\t') == delimiter {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            if let Some(command) = self.script.commands.last_mut() {
                let room = self.room.min(body.len());
                command.input = Some(if is_filled && room > 0 { self.vars.put_into(&body) } else { body });
            }
        }
    }

    /// Passes over what is nested too deeply.
    fn skip(&mut self, end: Option<u8>) {
        while !self.done() && Some(self.peek(0)) != end {
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.text.len());
    }
}

/// A group of commands is no substitution, unless it stands among the words of one.
fn command_host(command: &Command, index: usize) -> Option<usize> {
    if command.words.is_empty() { command.host } else { Some(index) }
}

fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('+').unwrap_or(text);
    !text.is_empty()
        && !text.as_bytes()[0].is_ascii_digit()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a separator touches what stands on both sides.
fn was_tight(text: &[u8], from: usize, to: usize) -> bool {
    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_whitespace());
    from.checked_sub(1).is_some_and(|before| touches(text.get(before))) && touches(text.get(to))
}
