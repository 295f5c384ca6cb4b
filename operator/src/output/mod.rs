//! Where words go: answers to standard output, complaints to standard error.

mod age;
mod progress;
pub(crate) mod table;

use std::io::{IsTerminal, Write as _};

use clap::ValueEnum;

pub(crate) use age::age;
pub(crate) use progress::Progress;
pub(crate) use table::Cell;

/// For whom the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// People.
    Human,
    /// Machines: one JSON document.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in a pipe.
    Always,
    /// Nowhere.
    Never,
}

/// How words stand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Heading,
    Good,
    Bad,
    Warning,
    Dim,
}

/// Standard output, as this command was asked to use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    output: Output,
    color: bool,
}

impl Color {
    /// Whether escape sequences belong on this stream; with `auto` they do on a terminal that can, if the person has not
    /// set `NO_COLOR`.
    pub(crate) fn is_for(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Auto => live(stream) && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Screen {
    pub(crate) fn new(output: Output, color: Color) -> Self {
        Self { output, color: output == Output::Human && color.is_for(&std::io::stdout()) }
    }

    #[cfg(test)]
    pub(crate) fn plain(output: Output) -> Self {
        Self { output, color: false }
    }

    #[cfg(test)]
    pub(crate) fn colored(output: Output) -> Self {
        Self { output, color: true }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Heading => "1",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warning => "33",
            Style::Dim => "2",
        };
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One line in a style.
    pub(crate) fn line(&self, style: Style, text: &str) {
        say(&self.paint(style, text));
    }

    /// A table whose first row is its head.
    pub(crate) fn table(&self, head: &[&str], rows: Vec<Vec<Cell>>) {
        let head = head.iter().map(|text| Cell::new(Style::Heading, *text)).collect();
        let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(rows).collect();
        table::lines(self, 1, &rows).iter().for_each(|line| say(line));
    }

    /// Rows without a head, each line after `indent`.
    pub(crate) fn rows(&self, indent: &str, rows: &[Vec<Cell>]) {
        table::lines(self, 0, rows).iter().for_each(|line| say(&format!("{indent}{line}")));
    }
}

/// Writes one line to standard output. A reader that went away (`linkward … | head`) is no error of ours.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes what is wrong to standard error.
pub(crate) fn complain(lines: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{lines}");
}

/// Prints a JSON document.
pub(crate) fn say_json(document: &serde_json::Value) {
    say(&format!("{document:#}"));
}

/// Whether a line can be written over.
pub(crate) fn live(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// `1 caller`, `2 callers`; thousands are set apart.
pub(crate) fn count(number: u64, word: &str) -> String {
    format!("{} {word}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, text) in [(0, "0 lines"), (1, "1 line"), (999, "999 lines"), (1_234_567, "1,234,567 lines")] {
            assert_eq!(count(number, "line"), text);
        }
    }
}
