//! Programs from text.
//!
//! Two notations are read, line by line and also mixed: mnemonics as in the conformance tests of the instruction set
//! (`add %r1, 4`, `ldxw r2, [r1+8]`, `lock fetch add [r10-8], r3`) and expressions as in kernel dumps
//! (`12: (07) r1 += 4`, `r2 = *(u32 *)(r1 +8)`, `if w2 s> 0x5 goto pc+3`). Jumps and local calls go to labels
//! (`name:`) or distances (`+3`, `pc-2`); where no label is called `exit`, the first `exit` is. `#`, `;` and `//` start
//! comments.
//!
//! In a dump by bpftool, the number after a called name is that name's place in the kernel, not a helper's number: so the
//! name decides. A name that is no helper's is a kernel function if it starts with `bpf_` or is `kernel-function`, else
//! the call is kept with the number as it is.
//!
//! Source of the mnemonics: the tests and the assembler of Alan-Jowett/bpf_conformance; of the expressions, see
//! [`Listing`](super::Listing).

mod assignment;
mod call;
mod cursor;
mod expression;
mod line;
mod memory;
mod mnemonic;
mod place;
mod target;

use super::form::Form;
use super::insn::Insn;
use cursor::{Cause, Cursor};
use line::Line;
use std::collections::HashMap;
use target::{Target, with_distance};

/// Text that is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("assemble line {line}: {cause}")]
pub struct ParseError {
    line: usize,
    cause: Cause,
}

impl ParseError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

/// Reads a program.
///
/// # Errors
/// The first line that is wrong, and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Insn>, ParseError> {
    let mut program = Program::default();
    for (at, line) in text.lines().enumerate() {
        program.line(at + 1, line).map_err(|cause| ParseError { line: at + 1, cause })?;
    }
    program.finish()
}

/// What one line says.
enum Statement {
    /// An instruction, and where it goes if that is a name.
    Form(Form, Option<Target>),
    /// Eight bytes as they are.
    Raw(Insn),
}

impl From<Form> for Statement {
    fn from(form: Form) -> Statement {
        Statement::Form(form, None)
    }
}

#[derive(Default)]
struct Program<'a> {
    insns: Vec<Insn>,
    labels: HashMap<&'a str, Place>,
    /// Instructions that wait for a label.
    open: Vec<(usize, Form, String, usize)>,
    /// What a listing's numbers start with.
    base: Option<u64>,
    first_exit: Option<usize>,
}

struct Place {
    slot: usize,
    line: usize,
}

impl<'a> Program<'a> {
    fn line(&mut self, number: usize, text: &'a str) -> Result<(), Cause> {
        let line = Line::of(text);
        for label in &line.labels {
            let place = Place { slot: self.insns.len(), line: number };
            if let Some(first) = self.labels.insert(label, place) {
                return Err(format!("label `{label}` is already on line {}", first.line));
            }
        }
        if line.statement.is_empty() {
            return Ok(());
        }
        self.index(line.index)?;
        match statement(line.statement, line.code)? {
            Statement::Raw(insn) => self.add(insn, None, line.code),
            Statement::Form(form, target) => {
                if let Some(Target::Name(name)) = target {
                    self.open.push((self.insns.len(), form, name, number));
                }
                if form == Form::Exit {
                    self.first_exit.get_or_insert(self.insns.len());
                }
                let (first, second) = form.encode();
                self.add(first, second, line.code)
            }
        }
    }

    fn add(&mut self, first: Insn, second: Option<Insn>, code: Option<u8>) -> Result<(), Cause> {
        if let Some(code) = code.filter(|&code| code != first.code) {
            return Err(format!("the code says {code:02x}, the text is {:02x}", first.code));
        }
        self.insns.push(first);
        self.insns.extend(second);
        Ok(())
    }

    /// A listing's numbers must follow one another, or its distances would be wrong.
    fn index(&mut self, index: Option<u64>) -> Result<(), Cause> {
        let Some(index) = index else { return Ok(()) };
        let slot = self.insns.len() as u64;
        let base = *self.base.get_or_insert(index.wrapping_sub(slot));
        let expected = base.wrapping_add(slot);
        if index != expected {
            return Err(format!("instruction {index} is in the place of {expected}"));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Insn>, ParseError> {
        for (at, form, name, line) in &self.open {
            let implied = self.first_exit.filter(|_| name == "exit");
            let slot = self.labels.get(name.as_str()).map(|place| place.slot).or(implied);
            let placed = slot.ok_or_else(|| format!("there is no label `{name}`"));
            let form = placed.and_then(|slot| with_distance(*form, slot as i64 - *at as i64 - 1));
            self.insns[*at] = form.map_err(|cause| ParseError { line: *line, cause })?.encode().0;
        }
        Ok(self.insns)
    }
}

fn statement(text: &str, code: Option<u8>) -> Result<Statement, Cause> {
    let mut cursor = Cursor::new(text);
    let word = cursor.peek_word().unwrap_or_default();
    let statement = match word {
        ".raw" => {
            cursor.word();
            Statement::Raw(cursor::raw(&mut cursor)?)
        }
        "call" | "callx" => call::call(&mut cursor)?,
        "exit" => {
            cursor.word();
            Form::Exit.into()
        }
        _ if text.contains('=') || expression::KEYWORDS.contains(&word) => {
            expression::expression(&mut cursor, code)?
        }
        _ => mnemonic::mnemonic(&mut cursor)?,
    };
    cursor.end()?;
    Ok(statement)
}
