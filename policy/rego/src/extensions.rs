//! Two built-in functions that regorus has, and we answer better.
//!
//! `time.now_ns` gives the time of the request, so that a recorded request is decided as it was. `regex.match` keeps
//! compiled patterns by thread: regorus compiles at each call, or keeps them under a lock that all threads share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use policy::Timestamp;
use regex::{Regex, RegexBuilder};
use regorus::{Engine, Rc, Value};

/// As regorus bounds a pattern: what people write fits.
const PATTERN_SIZE: usize = 100 * 1024;
/// More than a policy has patterns. One that makes its patterns of requests starts afresh when it is reached.
const PATTERNS: usize = 256;

thread_local! {
    static NOW: Cell<i128> = const { Cell::new(0) };
    static COMPILED: RefCell<HashMap<Rc<str>, Regex>> = RefCell::new(HashMap::new());
}

/// Whatever a call may end in; regorus takes any error and adds the place.
type Outcome<E> = Result<Value, E>;

/// Sets what `time.now_ns()` gives to evaluations of this thread.
pub(crate) fn set_now(now: Timestamp) {
    NOW.set(now.as_nanosecond());
}

/// Puts the functions in the place of the engine's own.
///
/// # Errors
/// They are in it already.
pub(crate) fn install(engine: &mut Engine) -> Result<(), String> {
    let installed = engine
        .add_extension("time.now_ns".to_owned(), 0, Box::new(|_| Ok(Value::from(NOW.get()))))
        .and_then(|()| engine.add_extension("regex.match".to_owned(), 2, Box::new(|args| Ok(regex_match(&args)?))));
    installed.map_err(|error| error.to_string())
}

fn regex_match(args: &[Value]) -> Outcome<regex::Error> {
    let (Some(Value::String(pattern)), Some(Value::String(text))) = (args.first(), args.get(1)) else {
        return Err(regex::Error::Syntax("`regex.match` takes two strings: a pattern and a text".to_owned()));
    };
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(pattern) {
            return Ok(Value::Bool(regex.is_match(text)));
        }
        let regex = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build()?;
        let matches = regex.is_match(text);
        if compiled.len() >= PATTERNS {
            compiled.clear();
        }
        compiled.insert(pattern.clone(), regex);
        Ok(Value::Bool(matches))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> Result<Value, String> {
        regex_match(&[Value::from(pattern), Value::from(text)]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pattern_matches_anywhere_unless_anchored_as_in_opa() {
        for _ in 0..2 {
            assert_eq!(matches("^/v1/[a-z]+$", "/v1/invoices"), Ok(Value::Bool(true)));
            assert_eq!(matches("^/v1/[a-z]+$", "/v1/invoices/1"), Ok(Value::Bool(false)));
            assert_eq!(matches("voice", "/v1/invoices"), Ok(Value::Bool(true)));
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error_and_not_false() {
        assert!(matches("(", "x").unwrap_err().contains("unclosed group"));
        assert!(matches(&"a{1000}".repeat(50), "x").unwrap_err().contains("exceeds size limit"));
        assert!(regex_match(&[Value::Null, Value::from("x")]).is_err());
    }

    #[test]
    fn the_kept_patterns_are_bounded() {
        for index in 0..3 * PATTERNS {
            assert_eq!(matches(&format!("^{index}$"), &index.to_string()), Ok(Value::Bool(true)));
        }
        assert!(COMPILED.with_borrow(HashMap::len) <= PATTERNS);
    }
}
