use proptest::prelude::*;
use proptest::sample::Index;
use rcgen::string::Ia5String;
use rcgen::{DnType, ExtendedKeyUsagePurpose, SanType};
use std::sync::LazyLock;

use super::*;
use crate::test_authority::{CertificateContent, TestAuthority};

const ORDERS: &str = "spiffe://internal.example/prod/orders-api";

fn rules(common_name: &str) -> Identity {
    serde_json::from_value(serde_json::json!({ "trustDomain": "internal.example", "commonName": common_name })).unwrap()
}

fn read(content: &CertificateContent, common_name: &str) -> EndEntity {
    let certificate = TestAuthority::root("root").issue(content);
    end_entity(&CertificateDer::from(certificate.der), &rules(common_name)).unwrap().0
}

fn identity(content: &CertificateContent, common_name: &str) -> Option<String> {
    read(content, common_name).identity.map(|identity| identity.to_string())
}

#[test]
fn one_uri_of_the_trust_domain_is_the_identity() {
    let end_entity = read(&CertificateContent::caller(&[ORDERS]), "off");
    assert_eq!(end_entity.identity.unwrap().as_str(), ORDERS);
    assert!(end_entity.named_by_uri);
}

#[test]
fn other_names_beside_the_uri_do_not_matter() {
    let mut content = CertificateContent::caller(&[ORDERS]);
    content.names.push(SanType::DnsName(Ia5String::try_from("orders.internal.example").unwrap()));
    content.names.push(SanType::IpAddress("192.0.2.1".parse().unwrap()));
    assert_eq!(identity(&content, "off").as_deref(), Some(ORDERS));
}

/// Nor does any of these fall back to the common name, which alone would do.
#[test]
fn a_malformed_foreign_or_second_uri_is_no_identity() {
    let template = "svc.{name}.{env}";
    assert_eq!(identity(&CertificateContent::caller(&[]), template).as_deref(), Some(ORDERS));
    for uris in [
        &[ORDERS, "spiffe://internal.example/prod/billing"][..],
        &[ORDERS, ORDERS],
        &[ORDERS, "https://internal.example/"],
        &["https://internal.example/prod/orders-api"],
        &["spiffe://other.example/prod/orders-api"],
        &["spiffe://internal.example.other/prod/orders-api"],
        &["spiffe://internal.example"],
        &["spiffe://internal.example/"],
        &["spiffe://internal.example/prod//orders-api"],
        &["spiffe://internal.example/prod/../orders-api"],
        &["spiffe://internal.example/prod/orders%2dapi"],
        &["SPIFFE://internal.example/prod/orders-api"],
        &["spiffe://internal.example/prod/orders-api?x"],
        &["spiffe://internal.example/prod/orders-api#x"],
        &["spiffe://internal.example:443/prod/orders-api"],
        &["spiffe://root@internal.example/prod/orders-api"],
        &[" spiffe://internal.example/prod/orders-api"],
        &["spiffe://internal.example/prod/orders-api\0.example"],
        &[""],
    ] {
        assert_eq!(identity(&CertificateContent::caller(uris), template), None, "{uris:?}");
    }
}

#[test]
fn the_common_name_counts_only_when_configured() {
    assert_eq!(identity(&CertificateContent::caller(&[]), "off"), None);
    let end_entity = read(&CertificateContent::caller(&[]), "svc.{name}.{env}");
    assert_eq!(end_entity.identity.unwrap().as_str(), ORDERS);
    assert!(!end_entity.named_by_uri);
}

#[test]
fn a_common_name_of_another_form_or_a_second_one_is_no_identity() {
    let mut other = CertificateContent::caller(&[]);
    other.subject = vec![(DnType::CommonName, "orders-api".to_owned())];
    assert_eq!(identity(&other, "svc.{name}.{env}"), None);
    other.subject = Vec::new();
    assert_eq!(identity(&other, "svc.{name}.{env}"), None);
}

#[test]
fn what_is_logged_and_forwarded_is_read_from_the_certificate() {
    let end_entity = read(&CertificateContent::caller(&[ORDERS]), "off");
    assert_eq!(end_entity.serial.as_str(), "a1b2c");
    assert_eq!(end_entity.common_name.as_deref(), Some("svc.orders-api.prod"));
    assert_eq!(&*end_entity.subject, "CN=svc.orders-api.prod,O=Example");
    assert_eq!(end_entity.not_after.as_second() - end_entity.not_before.as_second(), 2 * 86_400);
    assert_eq!(end_entity.sha256_hex.len(), 64);
}

#[test]
fn only_a_stated_purpose_is_one() {
    let with = |purposes: &[ExtendedKeyUsagePurpose]| {
        read(&CertificateContent { purposes: purposes.to_vec(), ..CertificateContent::caller(&[ORDERS]) }, "off")
            .is_for_clients
    };
    assert!(with(&[ExtendedKeyUsagePurpose::ClientAuth]));
    assert!(with(&[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]));
    assert!(!with(&[ExtendedKeyUsagePurpose::ServerAuth]));
    assert!(!with(&[ExtendedKeyUsagePurpose::Any]));
    assert!(!with(&[]));
}

#[test]
fn bytes_that_are_no_certificate_are_refused_and_never_panic() {
    let der = TestAuthority::root("root").issue(&CertificateContent::caller(&[ORDERS])).der;
    let read = |bytes: &[u8]| end_entity(&CertificateDer::from(bytes), &rules("off")).map(drop);
    assert_eq!(read(&der), Ok(()));
    assert_eq!(read(&[&der[..], &[0]].concat()), Err(Unreadable));
    for place in 0..der.len() {
        assert_eq!(read(&der[..place]), Err(Unreadable), "cut at {place}");
        let mut changed = der.clone();
        changed[place] ^= 0x80;
        // Whatever it says, it says it without a panic.
        let _ = read(&changed);
    }
}

#[test]
fn a_time_without_end_is_the_last_one_we_know() {
    assert_eq!(timestamp(253_402_300_799), Timestamp::MAX);
    assert_eq!(timestamp(i64::MIN), Timestamp::MIN);
    assert_eq!(timestamp(0), Timestamp::UNIX_EPOCH);
}

proptest! {
    #[test]
    fn changed_bytes_never_panic_and_never_name_a_caller_outside_the_trust_domain(
        place: Index,
        bytes in proptest::collection::vec(any::<u8>(), 0..8),
        remove in 0_usize..8,
    ) {
        static DER: LazyLock<Vec<u8>> = LazyLock::new(|| TestAuthority::root("root").issue(&CertificateContent::caller(&[ORDERS])).der);
        let mut changed = DER.clone();
        let start = place.index(DER.len());
        changed.splice(start..(start + remove).min(DER.len()), bytes);
        if let Ok((end_entity, _)) = end_entity(&CertificateDer::from(changed), &rules("off")) {
            let identity = end_entity.identity.map(|identity| identity.to_string());
            prop_assert!(identity.is_none_or(|identity| identity.starts_with("spiffe://internal.example/")));
        }
    }
}
