//! Tables that align: text to the left, numbers to the right.

use std::fmt::{self, Display};

/// A table for people: a header row, then rows of the same width.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with the given headings; a heading that starts with `>` belongs to a column of numbers.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let heads = headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
        Self { rows: vec![heads], right }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&dyn Display; N]) {
        self.cells(cells.iter().map(ToString::to_string));
    }

    /// Adds a row whose cells are text already.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are no rows but the headings.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::from(" ");
            for (cell, (&width, &right)) in row.iter().zip(widths.iter().zip(&self.right)) {
                let padded = if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
                line.push(' ');
                line.push_str(&padded);
                line.push(' ');
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_kind() {
        let mut table = Table::new(&["name", ">ms"]);
        table.row([&"conv", &"1.25"]);
        table.row([&"x", &"10.00"]);
        assert_eq!(table.to_string(), "  name     ms\n  conv   1.25\n  x     10.00\n");
        assert!(!table.is_empty() && Table::new(&["a"]).is_empty());
    }
}
