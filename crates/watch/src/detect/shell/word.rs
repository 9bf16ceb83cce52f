//! Words: quotes taken away, substitutions read, variables put in.

use super::expand;
use super::parse::Parser;
use super::script::Word;

/// A word while it is read.
#[derive(Default)]
struct Making {
    word: Word,
    bytes: Vec<u8>,
    /// Words that an unquoted `$IFS` has split off.
    done: Vec<Word>,
    /// Quotes or a backslash have just ended in the middle of letters.
    seam: bool,
    /// There is something outside of quotes.
    plain: bool,
    quotes: usize,
}

impl Making {
    fn plain(&mut self, byte: u8) {
        if self.seam
            && byte.is_ascii_alphanumeric()
            && self.bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        {
            self.word.hidden = true;
        }
        (self.seam, self.plain) = (false, true);
        self.bytes.push(byte);
    }

    fn split(&mut self, at: usize) {
        self.word.hidden = true;
        self.next_word(at);
        self.word.hidden = true;
    }

    /// The word ends here, and another begins.
    fn next_word(&mut self, at: usize) {
        let mut word = std::mem::take(&mut self.word);
        word.text = String::from_utf8_lossy(&std::mem::take(&mut self.bytes)).into_owned();
        word.span.end = at;
        self.word = Word { span: at..at, vars: word.vars.clone(), ..Word::default() };
        if !word.text.is_empty() {
            self.done.push(word);
        }
    }

    fn finish(mut self, at: usize) -> Vec<Word> {
        self.word.text = String::from_utf8_lossy(&self.bytes).into_owned();
        self.word.span.end = at;
        self.word.quoted = self.quotes > 0 && !self.plain;
        expand::glob(&mut self.word, self.plain);
        self.word.hidden |= self.word.is_holed();
        if !self.word.text.is_empty() || self.quotes > 0 || self.word.substitutes || self.done.is_empty() {
            self.done.push(self.word);
        }
        self.done
    }
}

impl Parser<'_> {
    /// Reads a word; it may turn out to be several. `index`: the command that it belongs to.
    pub(super) fn word(&mut self, index: usize) -> Vec<Word> {
        let start = self.at;
        let mut making = Making { word: Word { span: start..start, ..Word::default() }, ..Making::default() };
        while self.at < self.text.len() {
            let c = self.peek(0);
            match c {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&' => break,
                b'<' | b'>' if self.peek(1) == b'(' => {
                    self.script.operators.push(self.at);
                    self.at += 2;
                    making.bytes.extend_from_slice(b"/dev/fd/63");
                    let first = self.script.commands.len();
                    self.list(Some(b')'), Some(index));
                    self.fed = self.given_by(first, index).map(|text| (index, text));
                }
                b'<' | b'>' | b'(' => break,
                // In backticks a backtick ends; a parenthesis ends a substitution, or nothing.
                _ if Some(c) == self.end || c == b')' => break,
                b'\'' => self.single(&mut making),
                b'"' => self.double(&mut making, index),
                b'\\' => {
                    let next = self.peek(1);
                    let inside = making.bytes.last().is_some_and(u8::is_ascii_alphanumeric);
                    making.word.hidden |= inside && next.is_ascii_alphanumeric() && next != b'n';
                    making.plain(next);
                    self.at += 2;
                }
                b'`' => self.backticks(&mut making, index),
                b'$' => self.dollar(&mut making, index, false),
                _ => {
                    making.plain(c);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.max(start + usize::from(start == self.at)).min(self.text.len());
        making.finish(self.at)
    }

    fn single(&mut self, making: &mut Making) {
        let rest = &self.text[self.at + 1..];
        let len = memchr::memchr(b'\'', rest);
        self.script.broken |= len.is_none();
        let inside = &rest[..len.unwrap_or(rest.len())];
        self.quoted(making, inside.first().copied());
        making.bytes.extend_from_slice(inside);
        self.at = (self.at + inside.len() + 2).min(self.text.len());
        making.seam = true;
    }

    /// Quotes begin, with this inside; in the middle of letters they only hide.
    fn quoted(&self, making: &mut Making, first: Option<u8>) {
        let after_letter = making.plain && making.bytes.last().is_some_and(u8::is_ascii_alphanumeric);
        making.word.hidden |= after_letter && first.is_some_and(|byte| byte.is_ascii_alphanumeric());
        making.quotes += 1;
    }

    fn double(&mut self, making: &mut Making, index: usize) {
        self.at += 1;
        self.quoted(making, Some(self.peek(0)));
        while self.at < self.text.len() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    making.seam = true;
                    return;
                }
                b'\\' => {
                    if !matches!(self.peek(1), b'$' | b'`' | b'"' | b'\\' | b'\n') {
                        making.bytes.push(b'\\');
                    }
                    making.bytes.push(self.peek(1));
                    self.at += 2;
                }
                b'`' => self.backticks(making, index),
                b'$' => self.dollar(making, index, true),
                c => {
                    making.bytes.push(c);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.text.len());
        self.script.broken = true;
    }

    fn backticks(&mut self, making: &mut Making, index: usize) {
        self.script.operators.push(self.at);
        begins(making);
        self.at += 1;
        let first = self.script.commands.len();
        self.list(Some(b'`'), Some(index));
        self.put_result(making, first, index);
    }

    fn dollar(&mut self, making: &mut Making, index: usize, in_quotes: bool) {
        // `$"text"`: one that is translated.
        if self.starts("$\"") && !in_quotes {
            self.at += 1;
            return self.double(making, index);
        }
        // Where it is not closed as a sum is, a group of commands is substituted.
        if self.starts("$((") && memchr::memmem::find(&self.text[self.at..], b"))").is_some() {
            return self.sum(making);
        }
        if self.starts("$(") {
            self.script.operators.push(self.at);
            begins(making);
            self.at += 2;
            let first = self.script.commands.len();
            self.list(Some(b')'), Some(index));
            return self.put_result(making, first, index);
        }
        if self.starts("$'") && !in_quotes {
            let (bytes, len, coded) = expand::ansi_c(&self.text[self.at + 2..]);
            making.word.hidden |= coded && bytes.iter().all(|byte| byte.is_ascii_graphic());
            making.bytes.extend_from_slice(&bytes);
            making.quotes += 1;
            self.at = (self.at + 2 + len).min(self.text.len());
            return;
        }
        let mut variable = expand::variable(&self.text[self.at..], &self.vars);
        // A text that names a long value again and again is not put together.
        match self.room.checked_sub(variable.value.len()) {
            Some(left) => self.room = left,
            None => variable.value.clear(),
        }
        let name: Vec<u8> = self.text[self.at + 1..]
            .iter()
            .copied()
            .skip_while(|byte| *byte == b'{')
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .collect();
        if !name.is_empty() {
            making.word.vars.push(String::from_utf8_lossy(&name).into_owned());
        }
        self.at += variable.len;
        if variable.is_ifs && !in_quotes && making.bytes.last() != Some(&b'=') {
            return making.split(self.at);
        }
        let before = making.bytes.last().is_some_and(u8::is_ascii_alphanumeric);
        let after = self.peek(0).is_ascii_alphanumeric();
        making.word.hidden |= variable.hides || (variable.is_nothing && before && after);
        // A program's name that is put together letter by letter.
        let value = variable.value.as_bytes();
        let joins = |a: Option<&u8>, b: Option<&u8>| {
            [a, b].iter().all(|one| one.is_some_and(u8::is_ascii_alphabetic))
        };
        let joined = joins(making.bytes.last(), value.first())
            || joins(value.last(), self.text.get(self.at).filter(|_| !in_quotes));
        making.word.hidden |=
            variable.is_known && self.names_program && joined && !making.bytes.contains(&b'/');
        if (!in_quotes || variable.is_list) && making.bytes.is_empty() && variable.value.contains(' ') {
            let mut parts: Vec<&str> = variable.value.split(' ').filter(|part| !part.is_empty()).collect();
            let last = parts.pop().unwrap_or_default();
            for part in parts {
                making.bytes.extend_from_slice(part.as_bytes());
                making.next_word(self.at);
            }
            making.bytes.extend_from_slice(last.as_bytes());
        } else {
            making.bytes.extend_from_slice(variable.value.as_bytes());
        }
        making.plain |= !in_quotes;
        making.seam = false;
    }

    /// `$(( ... ))`.
    fn sum(&mut self, making: &mut Making) {
        let rest = &self.text[self.at + 3..];
        let len = memchr::memmem::find(rest, b"))").unwrap_or(rest.len());
        let inside = &rest[..len];
        let is_constant = inside.iter().all(|byte| byte.is_ascii_digit() || b" +-*/%".contains(byte));
        making.word.sums |= is_constant && inside.iter().any(|byte| b"+-*/%".contains(byte));
        making.bytes.extend_from_slice(b"0");
        self.at = (self.at + 3 + len + 2).min(self.text.len());
    }

    /// What the commands from `first` on give, which are substituted into `index`, where the text alone tells.
    fn given_by(&self, first: usize, index: usize) -> Option<String> {
        let all = self.script.commands.get(first..)?.iter();
        let substituted: Vec<_> = all.filter(|command| command.host == Some(index)).cloned().collect();
        super::evaluate::result(&substituted).filter(|text| text.len() <= self.room)
    }

    /// Puts it into the word.
    fn put_result(&mut self, making: &mut Making, first: usize, index: usize) {
        if let Some(text) = self.given_by(first, index) {
            self.room -= text.len();
            let last = self.script.commands[first..].iter().rfind(|command| command.host == Some(index));
            // Who asks where a program is hides nothing.
            let asks = last.is_some_and(|last| matches!(last.name(), "which" | "command" | "type"));
            making.word.hidden |= making.bytes.is_empty() && making.quotes == 0 && !asks;
            making.bytes.extend_from_slice(text.trim_end().as_bytes());
        }
        // `wh$(echo o)ami`: a program's name with a hole in it.
        let letters = making.bytes.first().is_some_and(u8::is_ascii_lowercase) && making.word.glued;
        making.word.hidden |= self.names_program
            && letters
            && !making.bytes.contains(&b'/')
            && !making.bytes.contains(&b'=')
            && self.peek(0).is_ascii_lowercase();
        (making.seam, making.plain) = (false, true);
    }
}

fn begins(making: &mut Making) {
    making.word.glued |= making.bytes.last().is_some_and(u8::is_ascii_alphanumeric);
    making.word.substitutes |= !matches!(making.bytes.last(), Some(b'/' | b':' | b'@' | b'='));
}
