//! Questions in SQL, which only read.
//!
//! The file is opened for reading alone, and each statement is held against a list of what may be done before it runs: so there is
//! no way to another file (`ATTACH`, `load_extension`) nor to settings. A question runs until its answer is whole or somebody stops
//! it.

use super::Records;
use crate::database::DatabaseError;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
pub use rusqlite::types::ValueRef;
use rusqlite::{ErrorCode, Rows};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps of SQLite's machine between two looks at whether to stop: some tenths of a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Looks into the tables that change nothing.
const PRAGMAS: [&str; 4] = ["table_info", "table_xinfo", "table_list", "index_list"];

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The file cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// It would do more than read.
    #[error(
        "query: the records can only be read; SELECT, and look at the tables with `SELECT name FROM sqlite_schema`"
    )]
    Forbidden,
    /// It is not one statement.
    #[error("query: it is not one statement; ask one question at a time")]
    NotOne,
    /// It is none.
    #[error("query: there is no statement in it; ask as in `SELECT ts, path FROM file_open`")]
    Empty,
    /// It was stopped.
    #[error("query: stopped before its answer was whole")]
    Stopped,
    /// SQLite does not understand it, or cannot answer it.
    #[error(
        "query: {0}; `SELECT name, sql FROM sqlite_schema` shows the tables, and the views for each kind"
    )]
    Sql(String),
}

/// Takes the names of the columns, then each row; `false` ends it.
pub trait Answer {
    /// The names of the columns.
    fn columns(&mut self, names: &[String]);
    /// A row.
    fn row(&mut self, values: &[ValueRef<'_>]) -> bool;
}

impl Records {
    /// Asks `sql`, until `stop` is set.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn ask(
        &mut self,
        sql: &str,
        stop: Arc<AtomicBool>,
        answer: &mut dyn Answer,
    ) -> Result<(), QuestionError> {
        guard(&mut self.db, stop).map_err(told)?;
        let mut statement = self.db.prepare(sql).map_err(told)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        answer.columns(&names);
        // What has no statement in it is one without columns, that cannot be run.
        let told = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::ApiMisuse) if names.is_empty() => QuestionError::Empty,
            _ => told(error),
        };
        let rows = statement.query([]).map_err(told)?;
        each(rows, names.len(), answer).map_err(told)
    }
}

fn each(mut rows: Rows<'_>, columns: usize, answer: &mut dyn Answer) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|at| row.get_ref(at)).collect::<Result<Vec<_>, _>>()?;
        if !answer.row(&values) {
            break;
        }
    }
    Ok(())
}

fn guard(db: &mut rusqlite::Connection, stop: Arc<AtomicBool>) -> rusqlite::Result<()> {
    db.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || stop.load(Ordering::Relaxed)))?;
    db.authorizer(Some(|context: AuthContext<'_>| judge(&context.action)))
}

fn judge(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if *function_name != "load_extension" => Authorization::Allow,
        AuthAction::Pragma { pragma_name, .. } if PRAGMAS.contains(pragma_name) => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

fn told(error: rusqlite::Error) -> QuestionError {
    match &error {
        rusqlite::Error::MultipleStatement => return QuestionError::NotOne,
        rusqlite::Error::SqliteFailure(failure, _)
        | rusqlite::Error::SqlInputError { error: failure, .. } => match failure.code {
            ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly => {
                return QuestionError::Forbidden;
            }
            ErrorCode::OperationInterrupted => return QuestionError::Stopped,
            _ => {}
        },
        _ => {}
    }
    let text = match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    };
    QuestionError::Sql(text)
}
