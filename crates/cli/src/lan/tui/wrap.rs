//! Lines that are too long, on several lines: what follows the first stands under its text, not under its head.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Columns before the text of a fact.
pub(super) const INDENT: usize = 11;
/// Narrower than this there is no room for an indent.
const INDENT_FROM: usize = 30;

/// The lines that fit in so many columns, cut between words where there are some.
pub(super) fn wrap(lines: Vec<Line<'static>>, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width.max(1));
    lines
        .into_iter()
        .flat_map(|line| if line.width() <= width { vec![line] } else { cut(&line, width) })
        .collect()
}

fn cut(line: &Line<'_>, width: usize) -> Vec<Line<'static>> {
    let letters: Vec<(char, Style)> =
        line.spans.iter().flat_map(|span| span.content.chars().map(|letter| (letter, span.style))).collect();
    let indent = if width >= INDENT_FROM { INDENT } else { 0 };
    let mut rest = letters.as_slice();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let pad = if lines.is_empty() { 0 } else { indent };
        let fits = fitting(rest, width - pad);
        // At a space, unless the word begins the line.
        let space =
            rest.iter().take(fits + 1).rposition(|(letter, _)| *letter == ' ').filter(|at| *at > INDENT);
        let end = if fits == rest.len() { fits } else { space.map_or(fits, |at| at + 1) };
        let (now, later) = rest.split_at(end);
        let is_space = now.last().is_some_and(|(letter, _)| *letter == ' ');
        lines.push(join(&now[..now.len() - usize::from(is_space)], pad));
        rest = later;
    }
    lines
}

/// How many letters fit; one at least, so that it ends.
fn fitting(letters: &[(char, Style)], width: usize) -> usize {
    let mut used = 0;
    let wide = |letter: char| Span::raw(letter.to_string()).width();
    let fits = letters.iter().take_while(|(letter, _)| {
        used += wide(*letter);
        used <= width
    });
    fits.count().max(1)
}

fn join(letters: &[(char, Style)], pad: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(pad))];
    for part in letters.chunk_by(|one, other| one.1 == other.1) {
        spans.push(Span::styled(part.iter().map(|(letter, _)| *letter).collect::<String>(), part[0].1));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::wrap;
    use ratatui::text::Line;

    #[test]
    fn long_lines_are_cut_between_words_and_nothing_is_left_out() {
        let text = "seen       one two three four five six seven eight nine ten";
        let lines: Vec<_> = wrap(vec![Line::from(text)], 34).iter().map(Line::to_string).collect();
        assert_eq!(
            lines[..2],
            ["seen       one two three four five", "           six seven eight nine"]
                .map(|line| line.to_owned()),
            "{lines:?}"
        );
        for width in [1, 5, 29, 30] {
            let lines = wrap(vec![Line::from("\u{6f22}\u{5b57}".repeat(40)), Line::from("")], width);
            let all: String = lines.iter().map(Line::to_string).collect();
            assert_eq!(all.chars().filter(|letter| *letter != ' ').count(), 80);
        }
    }
}
