#![no_main]
//! Certificates of callers.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let domain = "internal.example".parse().expect("a trust domain");
    if let Some(identity) = api_runtime::fuzzing::identity(bytes, &domain) {
        assert!(identity.starts_with("spiffe://internal.example/"), "{identity}");
    }
});
