//! Rows with their columns aligned.

use super::{Screen, Style};

/// One cell: a text, and how it stands out on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}

/// The lines of a table: two spaces between columns, numbers to the right, nothing behind the last cell. `head` rows at
/// the top are not looked at when it is decided which columns are numbers.
pub(crate) fn lines(screen: &Screen, head: usize, rows: &[Vec<Cell>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    // What stands alone in its row is a sentence, and no column is made wider for it.
    let shares = |row: &&Vec<Cell>| row.len() > 1;
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter(shares).filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
        })
        .collect();
    let is_number = |cell: &Cell| cell.text.replace(',', "").parse::<f64>().is_ok();
    let numbers: Vec<bool> =
        (0..columns).map(|column| cells(column).count() > head && cells(column).skip(head).all(is_number)).collect();
    let line = |row: &Vec<Cell>| {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().zip(&widths).zip(&numbers).enumerate().map(|(at, ((cell, &width), &number))| {
            let room = " ".repeat(width.saturating_sub(cell.text.chars().count()));
            let text = screen.paint(cell.style, &cell.text);
            if number {
                format!("{room}{text}")
            } else if at == last {
                text
            } else {
                format!("{text}{room}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The rows of a table of plain words.
pub(crate) fn plain(rows: &[Vec<String>]) -> Vec<Vec<Cell>> {
    rows.iter().map(|row| row.iter().map(|text| Cell::from(text.as_str())).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;

    #[test]
    fn tables_align_words_left_and_numbers_right() {
        let rows =
            [["metric", "sum"], ["EndpointsAccepted", "1"], ["Runs", "12"]].map(|row| row.map(str::to_owned).to_vec());
        let screen = Screen::plain(Output::Human);
        let lines = lines(&screen, 1, &plain(&rows));
        assert_eq!(lines, ["metric             sum", "EndpointsAccepted    1", "Runs                12"]);
    }

    #[test]
    fn colour_takes_no_room() {
        let rows = vec![vec![Cell::new(Style::Good, "+"), "a".into()], vec!["long".into(), "b".into()]];
        let lines = lines(&Screen::colored(Output::Human), 0, &rows);
        assert_eq!(lines, ["\u{1b}[32m+\u{1b}[0m     a", "long  b"]);
    }
}
