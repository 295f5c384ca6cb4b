//! What names a request in logs on both sides: `x-request-id` and the trace of `traceparent` (W3C Trace Context).

use http::HeaderValue;
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// The name of one request: the caller's if it sent a proper one, ours otherwise.
#[derive(Clone, Debug)]
pub(crate) enum RequestId {
    Theirs(HeaderValue),
    Ours([u8; 36]),
}

impl RequestId {
    /// Continues the caller's `x-request-id`, if there is one, or makes one (the form of a UUID, version 4).
    pub(crate) fn of(theirs: Option<&HeaderValue>) -> Self {
        match theirs {
            Some(value) if is_proper(value.as_bytes()) => Self::Theirs(value.clone()),
            _ => Self::Ours(uuid()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// For the log: whether it is text was checked when it came, or was made.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Theirs(value) => value.as_bytes(),
            Self::Ours(text) => text,
        }
    }

    /// For the upstream.
    pub(crate) fn header(&self) -> HeaderValue {
        match self {
            Self::Theirs(value) => value.clone(),
            Self::Ours(text) => HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("")),
        }
    }
}

/// 1 to 128 letters, digits and `-_.:/+=@`: nothing that means something in a log or in a shell.
fn is_proper(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
}

/// The trace a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    id: [u8; 32],
    /// The caller's span; `None` if the trace begins here.
    parent: Option<Parent>,
    /// Our span and its child, the upstream's, if the request is sampled.
    kept: Option<[u64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    span: [u8; 16],
    sampled: bool,
}

impl Trace {
    /// Continues the caller's trace, if its `traceparent` is valid, or starts one.
    pub(crate) fn of(theirs: Option<&HeaderValue>) -> Self {
        match theirs.and_then(|value| parent(value.as_bytes())) {
            Some((id, parent)) => Self { id, parent: Some(parent), kept: None },
            None => Self { id: hex(random(), random()), parent: None, kept: None },
        }
    }

    /// 32 hexadecimal digits.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.id
    }

    /// 16 hexadecimal digits, if the trace began with the caller.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.parent.as_ref().and_then(|parent| std::str::from_utf8(&parent.span).ok())
    }

    pub(crate) fn is_sampled_by_caller(&self) -> bool {
        self.parent.is_some_and(|parent| parent.sampled)
    }

    /// From 0 to 1, the same for everybody who sees the trace.
    pub(crate) fn chance(&self) -> f64 {
        let digits = self.id.last_chunk::<13>().and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        number as f64 / (1_u64 << 52) as f64
    }

    /// From now on the request has a span.
    pub(crate) fn keep(&mut self) {
        self.kept = Some([random() | 1, random() | 1]);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Our span and the upstream's.
    pub(crate) fn spans(&self) -> [u64; 2] {
        self.kept.unwrap_or_else(|| [random() | 1, random() | 1])
    }

    /// Whether it began here, so that no `tracestate` belongs to it.
    pub(crate) fn is_new(&self) -> bool {
        self.parent.is_none()
    }

    /// A `traceparent` for the upstream, unless the caller's own goes on as it is: without a span of ours nothing stands
    /// between.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let (span, flags) = match self.kept {
            Some([_, upstream]) => (upstream, b"-01"),
            None if self.is_new() => (random() | 1, b"-00"),
            None => return None,
        };
        let mut text = Vec::with_capacity(55);
        text.extend_from_slice(b"00-");
        text.extend_from_slice(&self.id);
        text.push(b'-');
        text.extend_from_slice(hex(span, 0).first_chunk::<16>().unwrap_or(b"0000000000000001"));
        text.extend_from_slice(flags);
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
    }
}

/// `version-trace-parent-flags`, all lower-case hexadecimal; a later version may have more fields behind.
fn parent(value: &[u8]) -> Option<([u8; 32], Parent)> {
    let (version, rest) = value.split_at_checked(2)?;
    let (fields, more) = rest.split_at_checked(53)?;
    let [b'-', fields @ ..] = fields else { return None };
    let (id, fields) = fields.split_first_chunk::<32>()?;
    let [b'-', span @ .., b'-', flags_high, flags_low] = fields else { return None };
    let known = version == b"00" && more.is_empty();
    let later = version != b"00" && version != b"ff" && is_hex(version) && matches!(more, [] | [b'-', ..]);
    let proper = is_hex(id) && is_hex(span) && is_hex(&[*flags_high, *flags_low]);
    let set = |digits: &[u8]| digits.iter().any(|digit| *digit != b'0');
    let sampled = char::from(*flags_low).to_digit(16)? & 1 == 1;
    let parent = Parent { span: span.try_into().ok()?, sampled };
    ((known || later) && proper && set(id) && set(span)).then_some((*id, parent))
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(high: u64, low: u64) -> [u8; 32] {
    let mut digits = [0; 32];
    let words = [(high >> 32) as u32, high as u32, (low >> 32) as u32, low as u32];
    for (digits, word) in digits.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *digits = hex_of_word(word);
    }
    digits
}

/// All eight digits at once: the nibbles are spread to bytes, and those beyond 9 get what lies between `9` and `a`.
fn hex_of_word(word: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let pairs = u64::from(word);
    let fours = pairs << 32 & 0xffff_0000_0000 | pairs >> 16;
    let bytes = fours << 16 & 0x00ff_0000_00ff_0000 | fours >> 8 & 0x0000_00ff_0000_00ff;
    let nibbles = bytes << 8 & 0x0f00_0f00_0f00_0f00 | bytes >> 4 & 0x000f_000f_000f_000f;
    let letters = (nibbles + ONES * 6) >> 4 & ONES;
    (nibbles + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)).to_le_bytes()
}

fn uuid() -> [u8; 36] {
    let version = random() & !0xf000 | 0x4000;
    let variant = random() & !(0b11 << 62) | 0b10 << 62;
    let mut text = [b'-'; 36];
    let mut digits = &hex(version, variant)[..];
    for piece in [0..8, 9..13, 14..18, 19..23, 24..36] {
        if let (Some(place), Some((next, rest))) = (text.get_mut(piece.clone()), digits.split_at_checked(piece.len())) {
            place.copy_from_slice(next);
            digits = rest;
        }
    }
    text
}

/// 16 random bytes in Base64.
pub(crate) fn nonce() -> [u8; 24] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = u128::from(random()) << 64 | u128::from(random());
    std::array::from_fn(|at| match at {
        22 | 23 => b'=',
        // The last digit has but two of its six bits.
        21 => DIGITS.get((value << 4 & 0x3f) as usize).copied().unwrap_or(b'A'),
        _ => DIGITS.get((value >> (122 - 6 * at) & 0x3f) as usize).copied().unwrap_or(b'A'),
    })
}

thread_local! {
    static STATE: Cell<[u64; 2]> = Cell::new([RandomState::new().hash_one(0), RandomState::new().hash_one(1) | 1]);
}

/// xoroshiro128+, seeded by the operating system for each thread: names must differ, nobody needs to be unable to guess
/// them, and a system call for each request would cost more than everything else about them.
fn random() -> u64 {
    let [first, second] = STATE.get();
    let mixed = first ^ second;
    STATE.set([first.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37)]);
    first.wrapping_add(second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn request_id(theirs: &str) -> RequestId {
        RequestId::of(Some(&theirs.parse().unwrap()))
    }

    fn trace(theirs: &str) -> Trace {
        Trace::of(Some(&theirs.parse().unwrap()))
    }

    #[test]
    fn a_proper_request_id_is_continued_and_any_other_replaced() {
        assert_eq!(request_id("abc-1.2:3").as_str(), "abc-1.2:3");
        assert_eq!(RequestId::of(None).as_str().len(), 36);
        for improper in ["", "a b", "a\"b", &"a".repeat(129)] {
            let id = request_id(improper);
            assert_eq!(id.as_str().len(), 36, "{improper:?}");
            assert_eq!(id.header().to_str().unwrap(), id.as_str());
        }
    }

    #[test]
    fn our_request_ids_are_uuids_of_version_4_and_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| uuid()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            assert!(id[14] == b'4' && b"89ab".contains(&id[19]), "{}", String::from_utf8_lossy(&id));
        }
    }

    #[test]
    fn words_are_written_in_hex() {
        for (high, low) in [(0, 1), (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210), (u64::MAX, 0x9a90_a9a0_0f0f_f0f0)] {
            assert_eq!(String::from_utf8(hex(high, low).to_vec()).unwrap(), format!("{high:016x}{low:016x}"));
        }
    }

    #[test]
    fn a_nonce_is_base64_of_16_bytes() {
        let text = String::from_utf8(nonce().to_vec()).unwrap();
        let digits = text.strip_suffix("==").unwrap();
        assert!(digits.len() == 22 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)));
        assert!(digits.ends_with(['A', 'Q', 'g', 'w']), "{text}");
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn a_valid_trace_is_continued_unchanged() {
        for parent in [PARENT, &PARENT.replacen("00-", "01-", 1), &(PARENT.replacen("00-", "cc-", 1) + "-more")] {
            let trace = trace(parent);
            assert_eq!((trace.as_bytes(), trace.header()), (&b"4bf92f3577b34da6a3ce929d0e0e4736"[..], None));
            assert_eq!((trace.parent(), trace.is_sampled_by_caller()), (Some("00f067aa0ba902b7"), true));
        }
        assert!(!trace(&PARENT.replace("-01", "-02")).is_sampled_by_caller());
    }

    #[test]
    fn a_request_with_a_span_is_the_upstreams_parent() {
        let mut trace = trace(PARENT);
        trace.keep();
        let header = trace.header().unwrap();
        let (id, parent) = parent(header.as_bytes()).unwrap();
        let [ours, upstream] = trace.spans();
        assert_eq!((id, parent.sampled), (trace.id, true));
        assert_eq!(parent.span, format!("{upstream:016x}").as_bytes());
        assert_ne!(ours, upstream);
    }

    #[test]
    fn an_invalid_trace_is_replaced() {
        let upper = PARENT.to_uppercase();
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let (more, ff) = (PARENT.to_owned() + "-more", PARENT.replacen("00-", "ff-", 1));
        for invalid in ["", "00", &upper, zero_trace, zero_parent, &more, &ff, &PARENT[..54]] {
            let trace = trace(invalid);
            let header = trace.header().unwrap();
            assert_eq!(parent(header.as_bytes()).unwrap().0, trace.id, "{invalid}");
        }
        assert!(Trace::of(None).is_new());
    }
}
