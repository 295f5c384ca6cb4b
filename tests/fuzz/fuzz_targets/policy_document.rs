#![no_main]
//! Access policies, in both formats; the first byte says which.
use policy::{Format, Policy, Revision};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, document)) = bytes.split_first() else { return };
    let format = if first % 2 == 0 { Format::Yaml } else { Format::Json };
    if let Err(error) = Policy::parse(document, format, "fuzz", Revision::from("1".to_owned())) {
        assert!(!error.to_string().is_empty());
    }
});
