//! How things look on every screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

/// What is of less weight.
pub(crate) fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// What is of more.
pub(crate) fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// A frame with a title; `has_keys`: keys go there.
pub(crate) fn frame_of(title: String, has_keys: bool) -> Block<'static> {
    let style = if has_keys { Style::new().fg(Color::Cyan) } else { dim() };
    Block::bordered().title(title).border_style(style)
}

/// A line of a list, chosen or not.
pub(crate) fn chosen(line: Line<'_>, is_chosen: bool) -> Line<'_> {
    if is_chosen { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
}

/// A word on a coloured ground; without colours it stands out as well.
pub(crate) fn badge(word: &'static str, color: Color) -> Span<'static> {
    Span::styled(word, Style::new().fg(color).add_modifier(Modifier::BOLD | Modifier::REVERSED))
}

/// A box of text above everything, as large as the text or the screen.
pub(crate) fn popup(frame: &mut Frame<'_>, title: &'static str, text: &'static str) {
    let area = frame.area();
    let length = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2);
    let wide = text.lines().map(|line| line.chars().count() + 1).max().unwrap_or(0);
    let (width, height) = (length(wide).min(area.width), length(text.lines().count()).min(area.height));
    let place = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(title)), place);
}
