//! A place in a list: which row is chosen, which rows are in view, and whether it follows the end.

/// Where one is in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// The chosen row.
    pub(crate) at: usize,
    /// The first row in view.
    pub(crate) top: usize,
    /// The newest row is chosen, whenever one comes.
    pub(crate) follows: bool,
}

impl View {
    /// At the beginning.
    pub(crate) fn new(follows: bool) -> Self {
        Self { at: 0, top: 0, follows }
    }

    /// Moves by so many rows of `len`; at the end it follows.
    pub(crate) fn step(&mut self, by: isize, len: usize, can_follow: bool) {
        let last = len.saturating_sub(1);
        self.at = self.at.min(last).saturating_add_signed(by).min(last);
        self.follows = can_follow && self.at == last;
    }

    /// The rows in view, when there are `len` and `height` of them fit.
    pub(crate) fn fit(&mut self, len: usize, height: usize) -> std::ops::Range<usize> {
        let last = len.saturating_sub(1);
        self.at = if self.follows { last } else { self.at.min(last) };
        self.top = self.top.min(self.at).max((self.at + 1).saturating_sub(height.max(1)));
        self.top = self.top.min(len.saturating_sub(height));
        self.top..len.min(self.top + height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_row_is_in_view_and_the_end_is_followed() {
        let mut view = View::new(true);
        assert_eq!(view.fit(100, 10), 90..100);
        view.step(-20, 100, true);
        assert_eq!((view.fit(100, 10), view.at, view.follows), (79..89, 79, false));
        assert_eq!(view.fit(120, 10), 79..89, "what comes does not move it");
        view.step(1000, 120, true);
        assert_eq!((view.fit(121, 10), view.at), (111..121, 120));
        assert_eq!((view.fit(3, 10), view.at), (0..3, 2));
        assert_eq!(view.fit(0, 10), 0..0);
    }
}
