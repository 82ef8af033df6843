//! A fact table: tab-separated text whose first line names the columns.

use crate::Result;
use std::path::{Path, PathBuf};

/// The rows of one `.tsv` file.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a file; an error names it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let split = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines();
        let columns = split(lines.next().unwrap_or_default());
        let mut rows = Vec::new();
        for (index, line) in lines.enumerate() {
            let row = split(line);
            if row.len() != columns.len() {
                let (have, want) = (row.len(), columns.len());
                return Err(format!("{}:{}: {have} fields instead of {want}", path.display(), index + 2).into());
            }
            rows.push(row);
        }
        Ok(Self { path: path.to_owned(), columns, rows })
    }

    /// The rows, each as a view whose fields are asked for by column.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { table: self, fields })
    }
}

/// One row of a [`Table`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'t> {
    table: &'t Table,
    fields: &'t [String],
}

impl<'t> Row<'t> {
    /// The text of a column; an error when the table has no such column.
    pub(crate) fn get(&self, column: &str) -> Result<&'t str> {
        let index = self.table.columns.iter().position(|name| name == column);
        let index = index.ok_or_else(|| format!("{}: no column '{column}'", self.table.path.display()))?;
        Ok(&self.fields[index])
    }

    /// The number of a column.
    pub(crate) fn number<T: std::str::FromStr>(&self, column: &str) -> Result<T> {
        let text = self.get(column)?;
        text.parse()
            .map_err(|_| format!("{}: '{text}' in column '{column}' is no number", self.table.path.display()).into())
    }

    /// The number of a column, none when it is empty.
    pub(crate) fn optional<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>> {
        if self.get(column)?.is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use std::path::Path;

    #[test]
    fn fields_are_found_by_column() {
        let table = Table::parse(Path::new("t.tsv"), "a\tb\n1\tx\n").unwrap();
        let row = table.rows().next().unwrap();
        assert_eq!(row.number::<u8>("a").unwrap(), 1);
        assert_eq!(row.get("b").unwrap(), "x");
        assert!(row.get("c").unwrap_err().to_string().contains("no column 'c'"));
    }

    #[test]
    fn a_short_row_is_an_error() {
        assert!(Table::parse(Path::new("t.tsv"), "a\tb\n1\n").unwrap_err().to_string().contains("t.tsv:2"));
    }
}
