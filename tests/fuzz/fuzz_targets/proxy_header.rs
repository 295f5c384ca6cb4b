#![no_main]
//! PROXY v2, which anybody may send who reaches the port.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = api_runtime::fuzzing::proxy_header(bytes);
});
