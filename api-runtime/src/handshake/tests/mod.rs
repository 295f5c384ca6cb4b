mod front;

use self::front::{Caller, Front};
use super::*;
use crate::test_authority::{CertificateContent, CrlContent, DAY, TestAuthority};

const ORDERS: &str = "spiffe://internal.example/prod/orders-api";

fn orders() -> CertificateContent {
    CertificateContent::caller(&[ORDERS])
}

#[tokio::test]
async fn a_caller_with_a_good_certificate_is_known() {
    let front = Front::new();
    let certificate = front.root.issue(&orders());
    let caller = Caller { alpn: &["h2", "http/1.1"], ..Caller::with(&certificate) };
    let (outcome, told) = front.meet("", caller).await;
    let established = outcome.unwrap();
    let peer = established.peer.unwrap();
    assert_eq!(peer.identity().unwrap().as_str(), ORDERS);
    assert_eq!((peer.uri(), peer.serial().as_str()), (Some(ORDERS), "a1b2c"));
    assert_eq!((established.alpn_h2, established.tls_version, established.endpoint), (true, "TLSv1.3", None));
    assert!(established.source.ip().is_loopback());
    assert_eq!(told, "");
}

#[tokio::test]
async fn an_intermediate_may_be_sent_or_left_to_us() {
    let front = Front::new();
    let certificate = front.intermediate.issue(&orders());
    for chain in [vec![&certificate.pem[..]], vec![&certificate.pem, &front.intermediate.pem]] {
        let (outcome, _) = front.meet("", Caller { chain, ..Caller::with(&certificate) }).await;
        assert_eq!(outcome.unwrap().peer.unwrap().chain().len(), 2);
    }
}

/// Each cause of the list that a certificate can give, and what the caller is told.
#[tokio::test]
async fn each_fault_of_a_certificate_has_its_cause() {
    use HandshakeCause as C;
    let front = Front::new();
    let (impostor, stranger) = (TestAuthority::root("root"), TestAuthority::root("stranger"));
    let issue = |content: CertificateContent| front.root.issue(&content);
    for (certificate, more, cause, alert) in [
        (
            issue(CertificateContent { not_before: -2 * DAY, not_after: -DAY, ..orders() }),
            "",
            C::Expired,
            "CertificateExpired",
        ),
        (
            issue(CertificateContent { not_before: DAY, not_after: 2 * DAY, ..orders() }),
            "",
            C::NotYetValid,
            "CertificateExpired",
        ),
        (issue(CertificateContent { serial: vec![0x66], ..orders() }), "", C::Revoked, "CertificateRevoked"),
        (issue(CertificateContent { purposes: Vec::new(), ..orders() }), "", C::BadPurpose, "UnsupportedCertificate"),
        (
            issue(CertificateContent { purposes: CertificateContent::server().purposes, ..orders() }),
            "",
            C::BadPurpose,
            "UnsupportedCertificate",
        ),
        (stranger.issue(&orders()), "", C::UnknownIssuer, "UnknownCA"),
        (impostor.issue(&orders()), "", C::UnknownIssuer, "UnknownCA"),
        (front.intermediate.issue(&orders()), ", crls: [root.crl]", C::RevocationUnknown, "UnknownCA"),
    ] {
        let (outcome, told) = front.meet(more, Caller::with(&certificate)).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.cause, cause, "{}", failure.detail);
        assert!(told.contains(alert), "{cause}: {told}");
        let (_, subject) = failure.claimed.unwrap();
        assert_eq!(subject, "CN=svc.orders-api.prod,O=Example");
    }
}

#[tokio::test]
async fn a_stale_crl_keeps_everybody_out_unless_its_expiry_is_ignored() {
    let front = Front::new();
    let stale = CrlContent { this_update: -2 * DAY, next_update: -DAY, ..CrlContent::new(1, &[]) };
    front.write("root.crl", &front.root.crl_pem(&stale));
    let certificate = front.root.issue(&orders());
    assert_eq!(front.refused("", &certificate).await.cause, HandshakeCause::CrlStale);
    assert!(front.meet(", crlExpiry: ignore", Caller::with(&certificate)).await.0.is_ok());
}

#[tokio::test]
async fn a_revoked_intermediate_keeps_its_callers_out_though_it_is_in_the_bundle() {
    let front = Front::new();
    front.write("root.crl", &front.root.crl_pem(&CrlContent::new(2, &[&[0x77]])));
    let certificate = front.intermediate.issue(&orders());
    assert_eq!(front.refused("", &certificate).await.cause, HandshakeCause::Revoked);
}

#[tokio::test]
async fn a_certificate_that_names_nobody_of_ours_is_let_in_to_be_told_so() {
    let front = Front::new();
    let certificate = front.root.issue(&CertificateContent::caller(&["spiffe://other.example/prod/orders-api"]));
    let peer = front.meet("", Caller::with(&certificate)).await.0.unwrap().peer.unwrap();
    assert_eq!(peer.identity().unwrap_err().as_str(), "badIdentity");
}

#[tokio::test]
async fn without_a_certificate_there_is_no_connection_unless_it_is_optional() {
    let front = Front::new();
    let (outcome, told) = front.meet("", Caller::anonymous()).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.cause, failure.claimed), (HandshakeCause::NoCertificate, None));
    assert!(told.contains("CertificateRequired"), "{told}");
    let (outcome, _) = front.meet(", clientAuth: optional", Caller::anonymous()).await;
    assert!(outcome.unwrap().peer.is_none());
    // Optional is not indifferent.
    let foreign = TestAuthority::root("stranger").issue(&orders());
    assert_eq!(front.refused(", clientAuth: optional", &foreign).await.cause, HandshakeCause::UnknownIssuer);
}

#[tokio::test]
async fn a_certificate_without_its_key_is_worth_nothing() {
    let front = Front::new();
    let (stolen, own) = (front.root.issue(&orders()), front.root.issue(&orders()));
    let caller = Caller { key: Some(&own.key_pem), ..Caller::with(&stolen) };
    assert_eq!(front.meet("", caller).await.0.unwrap_err().cause, HandshakeCause::Protocol);
}

#[tokio::test]
async fn the_oldest_version_is_as_configured() {
    let front = Front::new();
    let certificate = front.root.issue(&orders());
    let versions = [&rustls::version::TLS12];
    let old = || Caller { versions: &versions, ..Caller::with(&certificate) };
    assert_eq!(front.meet("", old()).await.0.unwrap_err().cause, HandshakeCause::Protocol);
    let established = front.meet(", minVersion: \"1.2\"", old()).await.0.unwrap();
    assert_eq!((established.tls_version, established.alpn_h2), ("TLSv1.2", false));
    let established = front.meet(", minVersion: \"1.2\"", Caller::with(&certificate)).await.0.unwrap();
    assert_eq!(established.tls_version, "TLSv1.3");
}

/// A resumed session would not verify the certificate again.
#[tokio::test]
async fn a_caller_that_remembers_its_session_makes_a_full_handshake_all_the_same() {
    let front = Front::new();
    let certificate = front.root.issue(&orders());
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let door = front.open(", minVersion: \"1.2\"").await;
        let caller = || Caller { versions, ..Caller::with(&certificate) };
        let memory = Some(Arc::new(caller().config()));
        for _ in 0..2 {
            let established = door.meet(Caller { memory: memory.clone(), ..caller() }).await.0.unwrap();
            let (_, session) = established.stream.get_ref();
            assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full), "{}", established.tls_version);
            assert!(established.peer.is_some());
        }
    }
}

/// As in `proxy_protocol::tests`: a real balancer's.
fn proxy_header() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x54\xac\x1f\x07\x71\xac\x1f\x0a\x1f\xc8\xf2\0\x50\
        \x03\0\x04\xe8\xd6\x89\x2d\xea\0\x17\x01vpce-08d2bf15fac5001c9\x04\0\x24"
        .to_vec();
    header.resize(100, 0);
    header
}

#[tokio::test]
async fn behind_a_balancer_the_header_says_who_called() {
    let front = Front::new();
    let certificate = front.root.issue(&orders());
    let with = |first| Caller { first, ..Caller::with(&certificate) };
    let required = "\nproxyProtocol: { mode: required, from: [127.0.0.0/8] }";
    let established = front.meet(required, with(proxy_header())).await.0.unwrap();
    assert_eq!(established.endpoint.unwrap().as_str(), "vpce-08d2bf15fac5001c9");
    assert_eq!(established.source.to_string(), "172.31.7.113:51442");
    let elsewhere = "\nproxyProtocol: { mode: required, from: [192.0.2.0/24] }";
    for (more, first) in
        [(required, Vec::new()), (required, [proxy_header(), proxy_header()].concat()), (elsewhere, proxy_header())]
    {
        let failure = front.meet(more, with(first)).await.0.unwrap_err();
        assert_eq!(failure.cause, HandshakeCause::BadProxyHeader, "{}", failure.detail);
    }
    // Not expected, the header is no TLS.
    let failure = front.meet("", with(proxy_header())).await.0.unwrap_err();
    assert_eq!(failure.cause, HandshakeCause::Protocol);
    let foreign = TestAuthority::root("stranger").issue(&orders());
    let failure = front.meet(required, Caller { first: proxy_header(), ..Caller::with(&foreign) }).await.0.unwrap_err();
    assert_eq!(failure.endpoint.unwrap().as_str(), "vpce-08d2bf15fac5001c9");
    assert_eq!(failure.source.to_string(), "172.31.7.113:51442");
}

#[tokio::test]
async fn a_caller_that_takes_too_long_is_let_go() {
    let front = Front::new();
    let soon = "\nlimits: { handshakeTimeout: 50ms }";
    let behind_balancer = "\nlimits: { handshakeTimeout: 50ms }\nproxyProtocol: required";
    for (more, first) in [
        (soon, Vec::new()),
        (soon, vec![0x16, 3, 1]),
        (behind_balancer, Vec::new()),
        (behind_balancer, proxy_header()[..50].to_vec()),
        (behind_balancer, proxy_header()),
    ] {
        let silent = Caller { first, speaks: false, ..Caller::anonymous() };
        let failure = front.meet(more, silent).await.0.unwrap_err();
        assert_eq!(failure.cause, HandshakeCause::Timeout, "{}", failure.detail);
    }
}

#[tokio::test]
async fn what_is_no_tls_is_refused() {
    let front = Front::new();
    let silent = Caller { first: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), speaks: false, ..Caller::anonymous() };
    assert_eq!(front.meet("", silent).await.0.unwrap_err().cause, HandshakeCause::Protocol);
}

#[test]
fn each_cause_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<_> = HandshakeCause::ALL.map(HandshakeCause::as_str).into();
    assert_eq!(words.len(), 12);
}
