//! `kernscope query`.

use super::table::Table;
use super::{QueryArgs, read};
use crate::args::Format;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stop::Stop;
use crate::stream::{note, printed};
use kernscope_report::pretty::units;
use kernscope_report::records::question::{Answer, QuestionError, ValueRef};
use serde_json::{Map, Number, Value};
use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;

/// Rows by which a table learns how wide its columns are; what follows is told as it comes.
const ROWS_FOR_WIDTHS: usize = 2000;

pub(super) fn run(args: &QueryArgs) -> Outcome {
    let mut records = read(args.db.as_deref())?;
    let stop = Stop::listen()?;
    let mut answer = Told::new(args.format);
    let asked = records.ask(&args.sql, Arc::clone(&stop.wanted), &mut answer);
    answer.end()?;
    match asked {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ QuestionError::Stopped) => {
            Err(Failure::with_status(stop.status().unwrap_or(BROKEN), error))
        }
        Err(error) => Err(Failure::usage(error)),
    }
}

/// Rows on standard output, as they come.
struct Told {
    format: Format,
    names: Vec<String>,
    table: Table,
    /// Once the table knows them.
    widths: Option<Vec<usize>>,
    out: BufWriter<Stdout>,
    /// What kept it from being written.
    fault: Option<io::Error>,
    rows: u64,
}

impl Told {
    fn new(format: Format) -> Self {
        let out = BufWriter::new(stdout());
        Self {
            format,
            names: Vec::new(),
            table: Table::new(Vec::new()),
            widths: None,
            out,
            fault: None,
            rows: 0,
        }
    }

    /// Writes what is gathered; whether somebody still reads.
    fn tell_table(&mut self) -> bool {
        let widths = self.widths.get_or_insert_with(|| self.table.widths());
        let lines = self.table.lines(widths);
        self.table.clear();
        let written = self.out.write_all(lines.as_bytes());
        self.wrote(written)
    }

    /// Whether more can be written.
    fn wrote(&mut self, written: io::Result<()>) -> bool {
        self.fault = self.fault.take().or(written.err());
        self.fault.is_none()
    }

    fn end(mut self) -> Outcome {
        if self.format == Format::Pretty && !self.names.is_empty() {
            self.tell_table();
        }
        let flushed = self.out.flush();
        if self.wrote(flushed) && self.format == Format::Pretty && !self.names.is_empty() {
            note(units::plural(self.rows, "row", "rows"));
        }
        printed(self.fault.map_or(Ok(()), |cause| Err((cause.kind(), cause.to_string()))))
    }
}

impl Answer for Told {
    fn columns(&mut self, names: &[String]) {
        self.names = names.to_vec();
        self.table = Table::new(names.to_vec());
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> bool {
        self.rows += 1;
        if self.format == Format::Jsonl {
            let row: Map<_, _> = self.names.iter().cloned().zip(values.iter().map(value)).collect();
            let written = writeln!(self.out, "{}", Value::Object(row));
            return self.wrote(written);
        }
        self.table.row(values.iter().map(text).collect());
        self.table.len() < ROWS_FOR_WIDTHS || self.tell_table()
    }
}

fn value(value: &ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => (*number).into(),
        ValueRef::Real(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        other => Value::String(text(other)),
    }
}

fn text(value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
