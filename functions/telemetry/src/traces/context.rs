//! Which trace a run belongs to: that of its event, that of X-Ray, or one of its own.

use serde_json::Value;

/// A trace, and the span that caused the run, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub(super) trace_id: u128,
    pub(super) parent: Option<u64>,
    pub(super) span_id: u64,
}

impl Context {
    /// The event's `traceparent` (<https://www.w3.org/TR/trace-context/>), at its top or in its detail; else X-Ray's header,
    /// as Lambda hands it on. A parent that was not sampled is recorded by nobody, and left out.
    #[must_use]
    pub fn of(event: &Value, xray: Option<&str>) -> Self {
        let w3c = event.get("traceparent").or_else(|| event.get("detail")?.get("traceparent")).and_then(Value::as_str);
        let known = w3c.and_then(w3c_context).or_else(|| xray.and_then(xray_context));
        let (trace_id, parent) = known.unwrap_or_else(|| (fastrand::u128(1..), None));
        Self { trace_id, parent, span_id: fastrand::u64(1..) }
    }

    /// One of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::of(&Value::Null, None)
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
fn w3c_context(text: &str) -> Option<(u128, Option<u64>)> {
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || (version == "00" && parts.next().is_some()) || flags.len() != 2 {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    let parent = u64::try_from(hex(parent, 16)?).ok()?;
    Some((hex(trace, 32)?, sampled.then_some(parent)))
}

/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`
fn xray_context(text: &str) -> Option<(u128, Option<u64>)> {
    let field = |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (epoch, unique) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
    let trace = hex(epoch, 8)? << 96 | hex(unique, 24)?;
    let parent = field("Parent").and_then(|parent| u64::try_from(hex(parent, 16)?).ok());
    Some((trace, parent.filter(|_| field("Sampled") == Some("1"))))
}

/// So many lower-case hex digits, not all zeros.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let proper = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    proper.then(|| u128::from_str_radix(text, 16).ok()).flatten().filter(|number| *number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    fn of(event: &Value, xray: Option<&str>) -> (u128, Option<u64>) {
        let Context { trace_id, parent, .. } = Context::of(event, xray);
        (trace_id, parent)
    }

    #[test]
    fn the_event_goes_before_xray() {
        let w3c = (TRACE, Some(0x00f0_67aa_0ba9_02b7));
        assert_eq!(of(&json!({"traceparent": W3C}), Some(XRAY)), w3c);
        assert_eq!(of(&json!({"detail": {"traceparent": W3C}}), None), w3c);
        let xray = (0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793, Some(0x5399_5c3f_42cd_8ad8));
        assert_eq!(of(&json!({"traceparent": "nonsense"}), Some(XRAY)), xray);
        let unsampled = XRAY.replace("Sampled=1", "Sampled=0");
        assert_eq!(of(&Value::Null, Some(&unsampled)), (xray.0, None), "nobody recorded that parent");
    }

    #[test]
    fn what_is_malformed_begins_a_trace_of_its_own() {
        for w3c in ["", "00-0-0-01", &W3C.to_uppercase(), &W3C.replace("4bf9", "zzzz"), &format!("{W3C}-x"), &W3C[..54]]
        {
            let (trace, parent) = of(&json!({ "traceparent": w3c }), Some("Root=1-x-y"));
            assert!(trace != 0 && trace != TRACE && parent.is_none(), "{w3c}");
        }
        assert_ne!(of(&Value::Null, None), of(&Value::Null, None));
    }
}
