//! A list with columns: which of them fit, which row is chosen, what a click on it means.
//!
//! Only rows in view are drawn. The order is made anew when something changed, and the chosen row stays chosen wherever it goes.

use crate::screen::View;
use crate::screen::look::{bold, dim};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use std::cmp::Ordering;

/// Columns between two of them.
const GAP: u16 = 2;

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    /// It is never narrower.
    pub(super) width: u16,
    /// Its share of what is left; 0: none.
    pub(super) grows: u16,
    /// Numbers stand at the right.
    pub(super) right: bool,
    /// Those with the higher numbers give way first.
    pub(super) rank: u8,
    /// Sorted by it, the greatest are first.
    pub(super) down: bool,
}

/// A field of a row.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Where a click came down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    Nothing,
    /// A row that is chosen now; whether it was before.
    Row(bool),
    Head,
}

/// A list.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) view: View,
    columns: &'static [Column],
    sort: usize,
    down: bool,
    /// Places of the rows that are shown, in order.
    order: Vec<usize>,
    /// What the order was made of.
    made_of: Option<(u64, String, u8)>,
    /// The row that the user moved to; until then the first is chosen, whichever that is.
    kept: Option<usize>,
    /// Columns as drawn last: which, from where, how wide.
    spans: Vec<(usize, u16, u16)>,
    area: Rect,
}

impl Table {
    /// A list that is sorted by a column.
    pub(super) fn new(columns: &'static [Column], sort: usize) -> Self {
        Self {
            view: View::new(false),
            columns,
            sort,
            down: columns[sort].down,
            order: Vec::new(),
            made_of: None,
            kept: None,
            spans: Vec::new(),
            area: Rect::default(),
        }
    }

    /// Sorts by a column, or by the one that it is sorted by the other way round.
    pub(super) fn sort_by(&mut self, column: usize) {
        self.down = if self.sort == column { !self.down } else { self.columns[column].down };
        self.sort = column;
        self.made_of = None;
    }

    /// Sorts by the next column that is shown, or by the one before.
    pub(super) fn sort_next(&mut self, forwards: bool) {
        let shown: Vec<_> = self.spans.iter().map(|(column, ..)| *column).collect();
        let at = shown.iter().position(|column| *column == self.sort);
        let by = if forwards { 1 } else { shown.len().saturating_sub(1) };
        let next = shown.get(at.map_or(0, |at| (at + by) % shown.len()));
        next.copied().into_iter().for_each(|column| self.sort_by(column));
    }

    /// The other way round.
    pub(super) fn turn(&mut self) {
        self.sort_by(self.sort);
    }

    /// Makes the order anew if `what` (the data's version, a query, a filter) is another one than the last time.
    pub(super) fn arrange(
        &mut self,
        what: (u64, &str, u8),
        count: usize,
        is_wanted: impl Fn(usize) -> bool,
        compare: impl Fn(usize, usize, usize) -> Ordering,
    ) {
        let made_of = Some((what.0, what.1.to_owned(), what.2));
        if self.made_of == made_of {
            return;
        }
        self.made_of = made_of;
        self.order.clear();
        self.order.extend((0..count).filter(|at| is_wanted(*at)));
        let (sort, down) = (self.sort, self.down);
        self.order.sort_unstable_by(|one, other| {
            let order = compare(sort, *one, *other);
            (if down { order.reverse() } else { order }).then(one.cmp(other))
        });
        let at = self.kept.and_then(|kept| self.order.iter().position(|place| *place == kept));
        self.view.at = at.unwrap_or(if self.kept.is_some() { self.view.at } else { 0 });
    }

    /// The place of the chosen row.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.order.get(self.view.at).copied()
    }

    /// Chooses the row of a place, once it is shown.
    pub(super) fn choose(&mut self, place: usize) {
        self.kept = Some(place);
        self.made_of = None;
    }

    /// Moves by so many rows.
    pub(super) fn step(&mut self, by: isize) {
        self.view.step(by, self.order.len(), false);
        self.kept = if by == isize::MIN { None } else { self.chosen() };
    }

    /// Rows that are shown.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Rows in view.
    pub(super) fn page(&self) -> usize {
        usize::from(self.area.height.saturating_sub(1))
    }

    /// What a click does.
    pub(super) fn click(&mut self, x: u16, y: u16) -> Hit {
        if !self.area.contains((x, y).into()) {
            return Hit::Nothing;
        }
        if y == self.area.y {
            let hit = self.spans.iter().find(|(_, from, width)| (*from..from + width + GAP).contains(&x));
            hit.copied().into_iter().for_each(|(column, ..)| self.sort_by(column));
            return Hit::Head;
        }
        let at = self.view.top + usize::from(y - self.area.y - 1);
        if at >= self.order.len() {
            return Hit::Nothing;
        }
        let was = self.view.at == at;
        self.view.at = at;
        self.kept = self.chosen();
        Hit::Row(was)
    }

    /// Draws the head and the rows in view.
    pub(super) fn draw(&mut self, area: Rect, to: &mut Buffer, cell: impl Fn(usize, usize) -> Cell) {
        self.area = area;
        self.spans = fit(self.columns, area.x, area.width);
        if area.height == 0 {
            return;
        }
        for (column, x, width) in &self.spans {
            let Column { title, right, .. } = self.columns[*column];
            let is_sorted = *column == self.sort;
            let arrow = if self.down { "\u{2193}" } else { "\u{2191}" };
            let text = if is_sorted { format!("{title}{arrow}") } else { title.to_owned() };
            let style = if is_sorted { bold() } else { dim() };
            put(
                to,
                (*x, area.y, *width),
                &Cell::styled(text, style.add_modifier(Modifier::UNDERLINED)),
                right,
            );
        }
        let rows = self.view.fit(self.order.len(), self.page());
        for (line, at) in rows.enumerate() {
            // Fits: there are no more rows in view than lines.
            let y = area.y + 1 + line as u16;
            for (column, x, width) in &self.spans {
                put(to, (*x, y, *width), &cell(self.order[at], *column), self.columns[*column].right);
            }
            if at == self.view.at {
                let line = Rect::new(area.x, y, area.width, 1);
                let plain = Style::new().fg(Color::Reset).bg(Color::Reset);
                to.set_style(line, plain.add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM));
            }
        }
    }
}

/// Writes a field, cut at its width.
fn put(to: &mut Buffer, (x, y, width): (u16, u16, u16), cell: &Cell, right: bool) {
    let span = Span::styled(cell.text.as_str(), cell.style);
    let wide = span.width();
    let room = usize::from(width);
    if wide > room && room > 1 {
        // Cut by columns of the screen: letters may be two wide.
        let mut text = String::new();
        for letter in cell.text.chars() {
            text.push(letter);
            if Span::raw(text.as_str()).width() >= room {
                text.pop();
                break;
            }
        }
        to.set_span(x, y, &Span::styled(text + "\u{2026}", cell.style), width);
        return;
    }
    let x = if right { x + width - u16::try_from(wide.min(room)).unwrap_or(width) } else { x };
    to.set_span(x, y, &span, width);
}

/// The columns that there is room for, from where and how wide.
fn fit(columns: &[Column], x: u16, width: u16) -> Vec<(usize, u16, u16)> {
    let mut ranked: Vec<_> = (0..columns.len()).collect();
    ranked.sort_by_key(|at| columns[*at].rank);
    let mut used = 0;
    let mut shown = Vec::new();
    for at in ranked {
        let wide = columns[at].width + if shown.is_empty() { 0 } else { GAP };
        if !shown.is_empty() && used + wide > width {
            break;
        }
        used += wide;
        shown.push(at);
    }
    shown.sort_unstable();
    let shares: u16 = shown.iter().map(|at| columns[*at].grows).sum();
    let left = width.saturating_sub(used);
    let mut from = x;
    shown
        .into_iter()
        .map(|at| {
            let more = (left * columns[at].grows).checked_div(shares).unwrap_or(0);
            let wide = (columns[at].width + more).min((x + width).saturating_sub(from));
            let span = (at, from, wide);
            from = (from + wide + GAP).min(x + width);
            span
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "a", width: 5, grows: 1, right: false, rank: 0, down: false },
        Column { title: "b", width: 4, grows: 0, right: true, rank: 2, down: true },
        Column { title: "c", width: 3, grows: 0, right: true, rank: 1, down: true },
    ];

    #[test]
    fn columns_give_way_by_rank_and_share_what_is_left() {
        assert_eq!(fit(&COLUMNS, 1, 30), [(0, 1, 19), (1, 22, 4), (2, 28, 3)]);
        assert_eq!(fit(&COLUMNS, 0, 12), [(0, 0, 7), (2, 9, 3)]);
        assert_eq!(fit(&COLUMNS, 0, 3), [(0, 0, 3)]);
        assert_eq!(fit(&COLUMNS, 0, 0), [(0, 0, 0)]);
    }

    #[test]
    fn the_chosen_row_stays_chosen_in_another_order_and_a_click_sorts() {
        let mut table = Table::new(&COLUMNS, 0);
        let values = [3, 1, 2];
        let arrange = |table: &mut Table, version| {
            table.arrange((version, "", 0), 3, |_| true, |_, a, b| values[a].cmp(&values[b]));
        };
        arrange(&mut table, 1);
        assert_eq!(table.chosen(), Some(1));
        table.step(1);
        assert_eq!(table.chosen(), Some(2));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 5));
        table.draw(buffer.area, &mut buffer, |_, _| Cell::new("wide \u{6f22}\u{5b57} text"));
        assert_eq!(table.click(15, 0), Hit::Head);
        arrange(&mut table, 2);
        assert_eq!((table.chosen(), table.order.as_slice()), (Some(2), &[0, 2, 1][..]));
        assert_eq!(table.click(3, 1), Hit::Row(false));
        assert_eq!(table.chosen(), Some(0));
        assert_eq!(table.click(3, 4), Hit::Nothing);
    }
}
