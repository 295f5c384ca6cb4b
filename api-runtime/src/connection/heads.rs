//! Where in HTTP/2 a client is: in the middle of a request's head, or not. hyper has no deadline for that.

/// What a client of HTTP/2 says first (RFC 9113 §3.4), which counts as a head.
const PREFACE: usize = 24;
const FRAME_HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the frames that were read, and looks into none.
#[derive(Debug)]
pub(super) struct Heads {
    /// What is still to come of the preface or of a frame's payload.
    left: usize,
    /// The beginning of the next frame, as far as it came.
    next: [u8; FRAME_HEAD],
    length: usize,
    /// Whether what is to come belongs to a head.
    is_head: bool,
    /// Whether the head goes on in another frame.
    goes_on: bool,
    complete: u64,
}

/// How far the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Between two frames, or in one that is no head.
    Elsewhere,
    /// A frame has begun and does not say yet what it is.
    Unknown,
    /// A part of a head has come.
    InHead,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { left: PREFACE, next: [0; FRAME_HEAD], length: 0, is_head: true, goes_on: false, complete: 0 }
    }

    /// Takes note of what was read.
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let count = self.left.min(bytes.len());
                bytes = bytes.get(count..).unwrap_or_default();
                self.left -= count;
                self.count();
                continue;
            }
            if let Some(place) = self.next.get_mut(self.length) {
                *place = *first;
            }
            self.length += 1;
            bytes = rest;
            if self.length == FRAME_HEAD {
                self.begin();
            }
        }
    }

    /// Where the client is, and how many heads are complete.
    pub(super) fn place(&self) -> (Place, u64) {
        let in_head = self.goes_on || self.is_head && (1..PREFACE).contains(&self.left) || self.in_later_head();
        let place = match (in_head, self.length) {
            (true, _) => Place::InHead,
            (false, 0) => Place::Elsewhere,
            (false, _) => Place::Unknown,
        };
        (place, self.complete)
    }

    /// Nothing of the preface is no head yet; after it, the whole payload may be missing.
    fn in_later_head(&self) -> bool {
        self.is_head && self.left > 0 && self.complete > 0
    }

    fn begin(&mut self) {
        let [a, b, c, kind, flags, ..] = self.next;
        self.length = 0;
        self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.is_head = matches!(kind, HEADERS | CONTINUATION);
        self.goes_on = self.is_head && flags & END_HEADERS == 0;
        self.count();
    }

    fn count(&mut self) {
        if self.left == 0 && self.is_head && !self.goes_on {
            self.complete += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.resize(FRAME_HEAD + usize::from(length), 7);
        frame
    }

    /// The place after each byte, in words: `.` elsewhere, `?` unknown, `h` in a head.
    fn places(bytes: &[u8], step: usize) -> String {
        let mut heads = Heads::new();
        let mut word = |piece: &[u8]| {
            heads.see(piece);
            match heads.place().0 {
                Place::Elsewhere => '.',
                Place::Unknown => '?',
                Place::InHead => 'h',
            }
        };
        bytes.chunks(step).map(&mut word).collect()
    }

    #[test]
    fn a_head_lasts_from_its_frame_to_the_end_of_its_last() {
        let preface = vec![b'P'; PREFACE];
        let bytes = [preface, frame(4, 0, 0), frame(1, 0, 2), frame(9, 4, 1), frame(0, 1, 2)].concat();
        let expected =
            format!("{}.{}.{}hhh{}.{}..", "h".repeat(23), "?".repeat(8), "?".repeat(8), "h".repeat(9), "?".repeat(8));
        assert_eq!(places(&bytes, 1), expected + ".");
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        let bytes = [vec![b'P'; PREFACE], frame(1, 5, 30), frame(0, 0, 200), frame(1, 4, 0), frame(8, 0, 4)].concat();
        for step in [1, 2, 7, 100, 1000] {
            let mut heads = Heads::new();
            bytes.chunks(step).for_each(|piece| heads.see(piece));
            assert_eq!(heads.place(), (Place::Elsewhere, 3), "{step}");
        }
        assert_eq!(Heads::new().place(), (Place::Elsewhere, 0));
    }
}
