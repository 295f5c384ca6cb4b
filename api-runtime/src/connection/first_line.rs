//! The first line of a request's head in HTTP/1.1, which holds the target: hyper does not tell a target that is too long
//! from any other head that is.

/// What ends a connection whose client sends one.
#[derive(Debug, thiserror::Error)]
#[error("the request's target is longer than `limits.headerBytes`")]
pub(crate) struct TargetTooLong;

/// Follows the line until it ends.
#[derive(Debug)]
pub(super) struct FirstLine {
    /// How long it may be.
    limit: usize,
    /// Which head it begins.
    head: u64,
    length: usize,
    open: bool,
}

/// What becomes of a piece that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Passes,
    /// But for its first byte it is refused with the next: hyper takes an error in front of a head for the end.
    Begins,
    Refused,
}

impl FirstLine {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, head: 0, length: 0, open: false }
    }

    /// Whether it has to be looked at what was read: a head mostly comes whole, with the end of a line at its end.
    pub(super) fn concerns(&self, read: &[u8]) -> bool {
        match read.last() {
            Some(b'\n') => self.open || read.len() > self.limit,
            Some(_) => true,
            None => self.length >= self.limit,
        }
    }

    /// Takes note of a piece of a head. Without the first, which need not have been looked at, there is no line any more.
    #[cold]
    pub(super) fn see(&mut self, head: u64, is_first: bool, piece: &[u8]) -> Piece {
        if self.head != head || self.length == 0 {
            (self.head, self.length, self.open) = (head, 0, is_first);
        }
        let begins = self.length == 0;
        if self.open {
            let end = piece.iter().position(|byte| *byte == b'\n');
            self.length += end.unwrap_or(piece.len());
            self.open = end.is_none();
        }
        match (self.length >= self.limit, begins) {
            (false, _) => Piece::Passes,
            (true, true) => Piece::Begins,
            (true, false) => Piece::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the pieces of a head: `.` it passes, `1` its first byte does, `x` it is refused.
    fn fates(line: &mut FirstLine, head: u64, pieces: &[&str]) -> String {
        let fate = |(place, piece): (usize, &&str)| {
            let piece = piece.as_bytes();
            match line.concerns(piece).then(|| line.see(head, place == 0, piece)) {
                None | Some(Piece::Passes) => '.',
                Some(Piece::Begins) => '1',
                Some(Piece::Refused) => 'x',
            }
        };
        pieces.iter().enumerate().map(fate).collect()
    }

    #[test]
    fn a_line_is_as_long_as_its_pieces() {
        for (pieces, expected) in [
            (&["GET /abcdef HTTP/1.1\r\nhost: a\r\n\r\n", ""][..], "1x"),
            (&["GET /abcdefghij", "", "k"], "1xx"),
            (&["GET /", "abcdefg", "hij"], "..x"),
            (&["GET /a HTTP\r\n", "host: abcdefghijkl\r\n\r\n"], ".."),
            (&["GET /a", " HTTP\r\n", "host: abcdefghijkl", "mnopqrstuvw\r\n\r\n"], "...."),
            (&["G", "ET\n", "abcdefghijklmnop"], "..."),
            (&["\n", "GET /a HTTP/1.1"], ".."),
        ] {
            assert_eq!(fates(&mut FirstLine::new(14), 7, pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn each_head_has_its_own() {
        let mut line = FirstLine::new(12);
        for head in 0..9 {
            assert_eq!(fates(&mut line, head, &["GET /a", "bcd"]), "..");
        }
        assert_eq!(fates(&mut line, 9, &["GET /a", "bcdefg"]), ".x");
    }
}
