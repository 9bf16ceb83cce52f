//! Rows in columns, as wide as what stands in them.

use kernscope_report::pretty::clean;

/// Widest column; what is longer sticks out.
const WIDTH_MAX: usize = 60;

/// A table that is gathered, then told.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these heads.
    pub(super) fn new(head: Vec<String>) -> Self {
        Self { rows: vec![head.iter().map(|name| clean::text(name).into_owned()).collect()] }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| clean::text(cell).into_owned()).collect());
    }

    /// Rows beside the head.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// All of it, a line a row; numbers stand to the right.
    pub(super) fn text(&self) -> String {
        self.lines(&self.widths())
    }

    /// How wide each column is.
    pub(super) fn widths(&self) -> Vec<usize> {
        let columns = self.rows[0].len();
        let width = |at: usize| self.rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        (0..columns).map(|at| width(at).min(WIDTH_MAX)).collect()
    }

    /// The rows that are gathered, in columns of these widths.
    pub(super) fn lines(&self, widths: &[usize]) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
                line += &if is_number { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") };
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }

    /// Forgets the rows, the head too: what follows continues the table.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need_and_nothing_steers_the_terminal() {
        let mut table = Table::new(vec!["name".to_owned(), "n".to_owned(), "last".to_owned()]);
        table.row(vec!["a\u{1b}[2J".to_owned(), "7".to_owned(), "x".to_owned()]);
        table.row(vec!["b".to_owned(), "1234".to_owned(), String::new()]);
        assert_eq!(table.text(), "name        n     last\na\\u{1b}[2J     7  x\nb           1234\n");
        assert_eq!(table.len(), 2);
    }
}
