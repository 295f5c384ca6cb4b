#![no_main]
//! Deny lists, in both formats; the first byte says which.
use policy::Format;
use policy::deny_list::DenyList;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, document)) = bytes.split_first() else { return };
    let format = if first % 2 == 0 { Format::Yaml } else { Format::Json };
    if let Err(error) = DenyList::parse(document, format, "fuzz") {
        assert!(!error.to_string().is_empty());
    }
});
