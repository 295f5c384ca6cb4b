#![no_main]
//! CRLs, fetched from elsewhere, and the bundle of those who may sign them. The first byte says where one ends.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (crl, authorities) = rest.split_at(rest.len() * usize::from(*first) / 256);
    let _ = api_runtime::fuzzing::read_crl(crl, authorities);
    let _ = api_runtime::fuzzing::read_crl(rest, AUTHORITY);
});

/// A CRL of this one gets as far as its signature.
const AUTHORITY: &[u8] = include_bytes!("authority.pem");
