//! HTML, written so that what comes from outside is text whatever it says.

use super::words::{Level, escaped};

const END: &str = "<footer>For machines: <a href=/status>/status</a>, <a href=/metrics>/metrics</a>. \
This page loads itself again every five seconds.</footer></main></body></html>";

/// A page in the making.
#[derive(Debug)]
pub(super) struct Html(String);

/// What stands in a table.
#[derive(Debug)]
pub(super) enum Cell {
    Text(String),
    /// On the right.
    Number(String),
    /// A name with slashes, after which a line may end.
    Name(String),
    /// In one piece.
    Word(String),
    Mark(Level, String),
    /// Something, and below it what few look for.
    Noted(String, String),
    /// Names with what is said of each, one below the other.
    List(Vec<(String, String)>),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn name(text: &str) -> Self {
        Self::Name(text.to_owned())
    }

    pub(super) fn word(text: &str) -> Self {
        Self::Word(text.to_owned())
    }

    pub(super) fn mark(level: Level, text: impl Into<String>) -> Self {
        Self::Mark(level, text.into())
    }
}

impl Html {
    pub(super) fn new(style: &str) -> Self {
        let mut out = String::with_capacity(32 << 10);
        out.push_str("<!doctype html><html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>");
        out.push_str("<meta name=viewport content='width=device-width, initial-scale=1'><meta name=color-scheme content='light dark'>");
        out.push_str("<link rel=icon href='data:,'><title>Linkward</title><style>");
        out.push_str(style);
        out.push_str("</style></head><body><main>");
        Self(out)
    }

    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub(super) fn text(&mut self, text: &str) {
        escaped(&mut self.0, text);
    }

    pub(super) fn mark(&mut self, level: Level, text: &str) {
        self.raw("<span class='mark ");
        self.raw(level.as_str());
        self.raw("'>");
        self.text(text);
        self.raw("</span>");
    }

    /// Begins a part of the page, which ends with `</section>`.
    pub(super) fn section(&mut self, title: &str) {
        self.raw("<section><h2>");
        self.text(title);
        self.raw("</h2>");
    }

    /// A part of the page that is one table; `nothing` is said if it has no rows.
    pub(super) fn table(&mut self, title: &str, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>, nothing: &str) {
        self.section(title);
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            self.raw("<p class=quiet>");
            self.text(nothing);
            self.raw("</p></section>");
            return;
        }
        let numbers: Vec<bool> =
            rows.peek().into_iter().flatten().map(|cell| matches!(cell, Cell::Number(_))).collect();
        self.raw("<table><tr class=h>");
        for (head, number) in heads.iter().zip(numbers) {
            self.raw(if number { "<th class=n>" } else { "<th>" });
            self.text(head);
        }
        for row in rows {
            self.raw("<tr>");
            heads.iter().zip(&row).for_each(|(head, cell)| self.cell(head, cell));
        }
        self.raw("</table></section>");
    }

    fn cell(&mut self, head: &str, cell: &Cell) {
        let class = match cell {
            Cell::Number(_) => " class=n",
            Cell::Name(_) => " class=c",
            Cell::Word(_) => " class=t",
            Cell::Text(_) | Cell::Mark(..) | Cell::Noted(..) | Cell::List(_) => "",
        };
        self.raw("<td");
        self.raw(class);
        self.raw(" data-l=\"");
        self.text(head);
        self.raw("\"><span>");
        match cell {
            Cell::Mark(level, text) => self.mark(*level, text),
            Cell::Name(text) => text.split_inclusive('/').for_each(|part| {
                self.text(part);
                self.raw("<wbr>");
            }),
            Cell::Noted(text, note) => {
                self.text(text);
                self.raw("<small>");
                self.text(note);
                self.raw("</small>");
            }
            Cell::List(items) => items.iter().for_each(|(name, said)| {
                self.raw("<span class=i><span class=t>");
                self.text(name);
                self.raw("</span> ");
                self.text(said);
                self.raw("</span>");
            }),
            Cell::Text(text) | Cell::Number(text) | Cell::Word(text) => self.text(text),
        }
        self.raw("</span>");
    }

    pub(super) fn finish(mut self) -> String {
        self.raw(END);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_is_text() {
        let mut page = Html(String::new());
        let row = vec![Cell::text("/<script>alert('x')</script>"), Cell::Number("a&\"b".to_owned())];
        page.table("t", &["one", "two"], std::iter::once(row), "");
        assert!(
            page.0.ends_with(
                "<tr><td data-l=\"one\"><span>/&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</span>\
             <td class=n data-l=\"two\"><span>a&amp;&quot;b</span></table></section>"
            ),
            "{}",
            page.0
        );
    }

    #[test]
    fn a_table_without_rows_says_so() {
        let mut page = Html(String::new());
        page.table("t", &["one"], std::iter::empty(), "nobody yet");
        assert_eq!(page.0, "<section><h2>t</h2><p class=quiet>nobody yet</p></section>");
    }
}
