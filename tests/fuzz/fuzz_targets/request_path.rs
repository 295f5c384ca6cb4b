#![no_main]
//! Paths of requests: what is normal stays as it is, and has no second meaning.
use policy::RequestPath;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(path) = RequestPath::parse(text) else { return };
    let normal = path.as_str();
    assert_eq!(RequestPath::parse(normal).as_ref().map(RequestPath::as_str), Ok(normal));
    assert!(normal.starts_with('/') && normal.bytes().all(|byte| byte.is_ascii_graphic()));
    let lower = normal.to_ascii_lowercase();
    assert!(["//", "\\", "%2f", "%5c", "%00", "%2e"].iter().all(|bad| !lower.contains(bad)), "{normal}");
    assert!(normal.split('/').all(|segment| !matches!(segment, "." | "..")), "{normal}");
});
