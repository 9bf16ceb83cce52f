//! How the tables of an older kernscope become today's.

use super::Cause;
use rusqlite::{Connection, TransactionBehavior};

/// What tables a sort of database has. `PRAGMA user_version` counts the steps that a file has taken; a step that was released is
/// never changed.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// `PRAGMA application_id`: four letters that tell our files from others', and one sort from another.
    pub application: i32,
    /// From version N to N + 1.
    pub all: &'static [&'static str],
}

impl Steps {
    /// Takes the steps that are missing, all or none.
    ///
    /// # Errors
    /// [`Cause::Foreign`] and [`Cause::Newer`] for files that are not ours to change; else what SQLite says.
    pub fn bring_up_to_date(&self, db: &mut Connection) -> Result<(), Cause> {
        let version = self.version(db)?;
        let known = self.known();
        if version == 0 {
            // Room of what is deleted can be given back; that must be said before there is any table.
            db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        // A reader does not wait for a log, and a writer that is killed leaves whole batches.
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "trusted_schema", false)?;
        if version == known {
            return Ok(());
        }
        let steps = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have taken them meanwhile.
        let version = pragma(&steps, "user_version")?;
        for step in self.all.iter().skip(usize::try_from(version).unwrap_or(0)) {
            steps.execute_batch(step)?;
        }
        steps.pragma_update(None, "application_id", self.application)?;
        steps.pragma_update(None, "user_version", known.max(version))?;
        Ok(steps.commit()?)
    }

    /// Whether there are steps to take.
    pub(super) fn are_missing(&self, db: &Connection) -> Result<bool, Cause> {
        Ok(self.version(db)? < self.known())
    }

    /// How many steps the file has taken.
    fn version(&self, db: &Connection) -> Result<i32, Cause> {
        // All of one moment: another process may be taking them.
        let seen = db.unchecked_transaction()?;
        let (application, version) = (pragma(&seen, "application_id")?, pragma(&seen, "user_version")?);
        let is_empty: bool =
            seen.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
        drop(seen);
        let known = self.known();
        match () {
            () if application != self.application && !is_empty => Err(Cause::Foreign),
            () if version > known => Err(Cause::Newer { version, known }),
            () => Ok(version),
        }
    }

    fn known(&self) -> i32 {
        i32::try_from(self.all.len()).unwrap_or(i32::MAX)
    }
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE a (x TEXT)";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN y TEXT NOT NULL DEFAULT 'here'";

    fn steps(all: &'static [&'static str]) -> Steps {
        Steps { application: 7, all }
    }

    fn of_the_first_schema() -> Connection {
        let mut db = Connection::open_in_memory().expect("open");
        steps(&[FIRST]).bring_up_to_date(&mut db).expect("first");
        db.execute("INSERT INTO a VALUES ('kept')", []).expect("insert");
        db
    }

    #[test]
    fn a_file_of_the_first_schema_becomes_todays_and_keeps_what_it_holds() {
        let mut db = of_the_first_schema();
        let today = steps(&[FIRST, SECOND]);
        assert!(today.are_missing(&db).expect("looked"));
        today.bring_up_to_date(&mut db).expect("one more");
        today.bring_up_to_date(&mut db).expect("nothing to do");
        let row: (String, String) =
            db.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).expect("there");
        assert_eq!(row, ("kept".to_owned(), "here".to_owned()));
        let older = steps(&[FIRST]).bring_up_to_date(&mut db);
        assert!(matches!(older, Err(Cause::Newer { version: 2, known: 1 })), "an older kernscope refuses it");
    }

    #[test]
    fn steps_of_which_one_fails_are_not_taken_at_all() {
        let mut db = of_the_first_schema();
        assert!(steps(&[FIRST, "CREATE TABLE more (x)", FIRST]).bring_up_to_date(&mut db).is_err());
        let more: i32 = db
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'more'", [], |row| row.get(0))
            .expect("count");
        assert_eq!((pragma(&db, "user_version").expect("version"), more), (1, 0));
    }

    #[test]
    fn a_database_of_another_program_or_sort_is_left_alone() {
        let mut other = Connection::open_in_memory().expect("open");
        other.execute_batch("CREATE TABLE theirs (x)").expect("theirs");
        assert!(matches!(steps(&[FIRST]).bring_up_to_date(&mut other), Err(Cause::Foreign)));
        let mut db = of_the_first_schema();
        let sort = Steps { application: 8, all: &[FIRST] };
        assert!(matches!(sort.bring_up_to_date(&mut db), Err(Cause::Foreign)));
    }
}
