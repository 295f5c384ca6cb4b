//! What a connection and a request cost, piece by piece: `cargo bench -p bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark may fail loudly")]

use api_runtime::fuzzing::{Revocation, access_line, identity, proxy_header};
use criterion::{Criterion, criterion_group, criterion_main};
use policy::access::{AccessRequest, authorize};
use policy::{Format, Policy, RequestPath, Revision, SpiffeId, Timestamp, TrustDomain};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::hint::black_box;

const CALLER: &str = "spiffe://internal.example/prod/orders-api";

fn of_a_certificate(bench: &mut Criterion) {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(CALLER).unwrap())];
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let domain: TrustDomain = "internal.example".parse().unwrap();
    assert_eq!(identity(certificate.der(), &domain).as_deref(), Some(CALLER));
    bench.bench_function("identity from DER", |timer| timer.iter(|| identity(black_box(certificate.der()), &domain)));
}

fn of_a_request(bench: &mut Criterion) {
    for callers in [10, 10_000] {
        let each = |number| {
            format!(
                r#"{{"identity":"spiffe://internal.example/prod/n{number}","permit":[{{"paths":["/v1/invoices/{{id}}"]}}]}}"#
            )
        };
        let list = (0..callers).map(each).collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{"version":1,"trustDomain":"internal.example","endpoints":{{"unlisted":"reject","consumers":[]}},"callers":[{list}]}}"#
        );
        let policy = Policy::parse(text.as_bytes(), Format::Json, "bench", Revision::from("1".to_owned())).unwrap();
        let caller: SpiffeId = "spiffe://internal.example/prod/n7".parse().unwrap();
        let now = Timestamp::now();
        let ask = || {
            let path = RequestPath::parse(black_box("/v1/invoices/4711")).unwrap();
            let (account, endpoint) = (None, None);
            let request = AccessRequest { identity: &caller, account, endpoint, method: "GET", path: &path, now };
            authorize(&policy, &request).effect
        };
        assert_eq!(ask(), policy::access::Effect::Allow);
        bench.bench_function(&format!("authorize, {callers} callers"), |timer| timer.iter(ask));
    }
}

fn of_a_crl(bench: &mut Criterion) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign];
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    for entries in [1, 100_000_u32] {
        let revoked = |serial: u32| RevokedCertParams {
            serial_number: SerialNumber::from(u64::from(serial)),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let crl = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: (1..=entries).map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let crl = crl.signed_by(&issuer).unwrap();
        let revocation = Revocation::new(crl.der(), authority.as_bytes(), &[0x7f, 1, 2, 3, 4]).unwrap();
        let now = Timestamp::now();
        assert!(revocation.passes(now));
        let name = format!("revocation lookup, {entries} entries");
        bench.bench_function(&name, |timer| timer.iter(|| black_box(&revocation).passes(now)));
    }
}

fn of_a_line(bench: &mut Criterion) {
    let (mut out, now) = (Vec::with_capacity(4096), Timestamp::now());
    bench.bench_function("access-log line", |timer| {
        timer.iter(|| {
            out.clear();
            access_line(&mut out, black_box(now));
            out.len()
        });
    });
}

fn of_a_proxy_header(bench: &mut Criterion) {
    let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0xc8, 0xf2, 0x20, 0xfb];
    let endpoint = b"\xea\0\x17\x01vpce-08d2bf15fac5001c9";
    let header = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0".as_slice(), &[38], &addresses, endpoint].concat();
    assert!(proxy_header(&header));
    bench.bench_function("PROXY header", |timer| timer.iter(|| proxy_header(black_box(&header))));
}

criterion_group!(pieces, of_a_certificate, of_a_request, of_a_crl, of_a_line, of_a_proxy_header);
criterion_main!(pieces);
