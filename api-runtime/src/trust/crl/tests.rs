use super::*;
use crate::test_authority::{CrlContent, DAY, TestAuthority};
use crate::trust::anchors::TrustAnchors;
use crate::trust::tls::signature_algorithms;
use proptest::prelude::*;
use proptest::sample::Index;
use rcgen::CrlScope;
use std::sync::LazyLock;

const SERIAL: &[u8] = &[0x0a, 0x1b, 0x2c];
const OTHER: &[u8] = &[0x0a, 0x1b, 0x2d];

fn anchors(pems: &[&str]) -> TrustAnchors {
    TrustAnchors::read(pems.concat().as_bytes()).unwrap()
}

fn read(anchors: &TrustAnchors, der: &[u8]) -> Result<Crl, CrlError> {
    Crl::read(der, anchors.authorities(), &signature_algorithms())
}

fn index(anchors: &TrustAnchors, ders: &[Vec<u8>]) -> CrlIndex {
    CrlIndex::new(ders.iter().map(|der| read(anchors, der).unwrap()).collect(), CrlExpiry::Enforce)
}

/// A certificate issued by the `at`th authority.
fn certificate(
    anchors: &TrustAnchors,
    at: usize,
    serial: &[u8],
    uris: &[&str],
    is_end_entity: bool,
) -> ChainCertificate {
    let uris = uris.iter().map(|uri| Box::from(*uri)).collect();
    ChainCertificate::new(anchors.authorities()[at].id(), serial, uris, is_end_entity)
}

fn end_entity(anchors: &TrustAnchors, serial: &[u8]) -> [ChainCertificate; 1] {
    [certificate(anchors, 0, serial, &[], true)]
}

#[test]
fn a_serial_in_the_crl_is_revoked_and_no_other() {
    let root = TestAuthority::root("root");
    let anchors = anchors(&[&root.pem]);
    let crls = index(&anchors, &[root.crl(&CrlContent::new(1, &[&[1], SERIAL, &[3]]))]);
    assert_eq!(crls.entries(), 3);
    assert_eq!(crls.check(&end_entity(&anchors, SERIAL), Timestamp::now()), Err(CrlRefusal::Revoked));
    assert_eq!(crls.check(&end_entity(&anchors, OTHER), Timestamp::now()), Ok(()));
    let empty = index(&anchors, &[root.crl(&CrlContent::new(1, &[]))]);
    assert_eq!(empty.check(&end_entity(&anchors, SERIAL), Timestamp::now()), Ok(()));
}

#[test]
fn a_serial_is_revoked_under_its_own_issuer_only() {
    let (root, other) = (TestAuthority::root("root"), TestAuthority::root("other"));
    let anchors = anchors(&[&root.pem, &other.pem]);
    let crls = index(&anchors, &[root.crl(&CrlContent::new(1, &[])), other.crl(&CrlContent::new(1, &[SERIAL]))]);
    assert_eq!(crls.check(&end_entity(&anchors, SERIAL), Timestamp::now()), Ok(()));
    let of_other = [certificate(&anchors, 1, SERIAL, &[], true)];
    assert_eq!(crls.check(&of_other, Timestamp::now()), Err(CrlRefusal::Revoked));
}

#[test]
fn with_any_crl_every_issuer_of_a_chain_needs_one_and_without_any_none_does() {
    let root = TestAuthority::root("root");
    let intermediate = root.intermediate("intermediate", OTHER);
    let anchors = anchors(&[&root.pem, &intermediate.pem]);
    let chain = |serial| [certificate(&anchors, 1, serial, &[], true), certificate(&anchors, 0, OTHER, &[], false)];
    let of_root = root.crl(&CrlContent::new(1, &[]));
    let of_intermediate = intermediate.crl(&CrlContent::new(1, &[SERIAL]));
    let revoking = root.crl(&CrlContent::new(2, &[OTHER]));
    let check = |ders: &[&Vec<u8>], serial| {
        let ders: Vec<_> = ders.iter().map(|der| der.to_vec()).collect();
        index(&anchors, &ders).check(&chain(serial), Timestamp::now())
    };
    assert_eq!(check(&[], SERIAL), Ok(()));
    assert_eq!(check(&[&of_root], SERIAL), Err(CrlRefusal::Unknown));
    assert_eq!(check(&[&of_intermediate], &[7]), Err(CrlRefusal::Unknown));
    assert_eq!(check(&[&of_intermediate], SERIAL), Err(CrlRefusal::Revoked));
    assert_eq!(check(&[&of_intermediate, &of_root], &[7]), Ok(()));
    assert_eq!(check(&[&of_intermediate, &revoking], &[7]), Err(CrlRefusal::Revoked));
}

#[test]
fn a_crl_past_its_next_update_says_nothing_unless_expiry_is_ignored() {
    let root = TestAuthority::root("root");
    let anchors = anchors(&[&root.pem]);
    let crl = root.crl(&CrlContent { this_update: -2 * DAY, next_update: -DAY, ..CrlContent::new(1, &[SERIAL]) });
    let check = |expiry, serial| {
        let crls = CrlIndex::new(vec![read(&anchors, &crl).unwrap()], expiry);
        crls.check(&end_entity(&anchors, serial), Timestamp::now())
    };
    assert!(matches!(check(CrlExpiry::Enforce, OTHER), Err(CrlRefusal::Stale { .. })));
    assert_eq!(check(CrlExpiry::Ignore, OTHER), Ok(()));
    assert_eq!(check(CrlExpiry::Enforce, SERIAL), Err(CrlRefusal::Revoked));
    assert_eq!(check(CrlExpiry::Ignore, SERIAL), Err(CrlRefusal::Revoked));
}

#[test]
fn of_two_crls_the_higher_number_counts_in_either_order() {
    let root = TestAuthority::root("root");
    let anchors = anchors(&[&root.pem]);
    let (old, new) = (root.crl(&CrlContent::new(255, &[])), root.crl(&CrlContent::new(256, &[SERIAL])));
    for ders in [[old.clone(), new.clone()], [new, old]] {
        let crls = index(&anchors, &ders);
        assert_eq!(crls.check(&end_entity(&anchors, SERIAL), Timestamp::now()), Err(CrlRefusal::Revoked));
    }
}

#[test]
fn a_lower_number_than_one_in_force_is_refused_even_after_a_pause() {
    let root = TestAuthority::root("root");
    let anchors = anchors(&[&root.pem]);
    let numbered = |number| index(&anchors, &[root.crl(&CrlContent::new(number, &[]))]);
    let seen = HighestSeen::default().and(&numbered(5)).unwrap();
    assert!(seen.and(&numbered(5)).is_ok());
    assert!(seen.and(&numbered(6)).is_ok());
    let without = seen.and(&index(&anchors, &[])).unwrap();
    let error = without.and(&numbered(4)).unwrap_err().to_string();
    assert_eq!(error, "CRL number 0x4 is lower than 0x5, which was in force; give the newest CRL");
}

#[test]
fn the_number_of_one_key_does_not_bind_another_of_the_same_name() {
    let (old, new) = (TestAuthority::root("root"), TestAuthority::root("root"));
    let anchors = anchors(&[&old.pem, &new.pem]);
    let crls = [old.crl(&CrlContent::new(9, &[])), new.crl(&CrlContent::new(1, &[SERIAL]))];
    let crls = index(&anchors, &crls);
    assert!(HighestSeen::default().and(&crls).is_ok());
    assert_eq!(crls.check(&[certificate(&anchors, 0, SERIAL, &[], true)], Timestamp::now()), Ok(()));
    let of_new = [certificate(&anchors, 1, SERIAL, &[], true)];
    assert_eq!(crls.check(&of_new, Timestamp::now()), Err(CrlRefusal::Revoked));
}

#[test]
fn a_partitioned_crl_covers_the_certificates_that_point_to_it() {
    let root = TestAuthority::root("root");
    let anchors = anchors(&[&root.pem]);
    let part = |number, uri, scope, serials: &[&[u8]]| {
        root.crl(&CrlContent { scope: Some((uri, scope)), ..CrlContent::new(number, serials) })
    };
    let crls = index(&anchors, &[part(1, "http://a", None, &[]), part(9, "http://b", None, &[SERIAL])]);
    let check = |serial, uris: &[&str]| crls.check(&[certificate(&anchors, 0, serial, uris, true)], Timestamp::now());
    assert_eq!(check(OTHER, &["http://a"]), Ok(()));
    assert_eq!(check(OTHER, &["http://x", "http://b"]), Ok(()));
    assert_eq!(check(OTHER, &["http://x"]), Err(CrlRefusal::Unknown));
    assert_eq!(check(OTHER, &[]), Ok(()));
    // Revoked is revoked, wherever it says so.
    assert_eq!(check(SERIAL, &["http://a"]), Err(CrlRefusal::Revoked));
    let authorities = index(&anchors, &[part(1, "http://a", Some(CrlScope::CaCertsOnly), &[])]);
    let check = |end_entity| authorities.check(&[certificate(&anchors, 0, OTHER, &[], end_entity)], Timestamp::now());
    assert_eq!(check(true), Err(CrlRefusal::Unknown));
    assert_eq!(check(false), Ok(()));
}

#[test]
fn a_crl_that_nobody_we_trust_signed_is_refused() {
    let (root, impostor) = (TestAuthority::root("root"), TestAuthority::root("root"));
    let (stranger, mute) = (TestAuthority::root("stranger"), TestAuthority::without_crl_sign("mute"));
    let anchors = anchors(&[&root.pem, &mute.pem]);
    let content = CrlContent::new(1, &[SERIAL]);
    assert_eq!(read(&anchors, &impostor.crl(&content)).unwrap_err(), CrlError::Signature("CN=root".into()));
    assert_eq!(read(&anchors, &stranger.crl(&content)).unwrap_err(), CrlError::UnknownIssuer);
    assert_eq!(read(&anchors, &mute.crl(&content)).unwrap_err(), CrlError::MayNotSign("CN=mute".into()));
    let der = root.crl(&content);
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 1;
        assert!(read(&anchors, &changed).is_err(), "byte {place} may be changed");
        assert!(read(&anchors, &der[..place]).is_err(), "may be cut at {place}");
    }
}

#[test]
fn a_crl_that_does_not_say_everything_is_refused_by_name() {
    use webpki::Error as W;
    assert_eq!(CrlError::from(W::UnsupportedDeltaCrl), CrlError::Delta);
    assert_eq!(CrlError::from(W::UnsupportedIndirectCrl), CrlError::Indirect);
    assert_eq!(CrlError::from(W::UnsupportedRevocationReasonsPartitioning), CrlError::SomeReasons);
    assert_eq!(CrlError::from(W::UnsupportedCrlIssuingDistributionPoint), CrlError::NoDistributionPoint);
    assert!(matches!(CrlError::from(W::UnsupportedCrlVersion), CrlError::Malformed(_)));
}

proptest! {
    /// Its signature covers all of it: whatever is changed, it is not the issuer's any more.
    #[test]
    fn a_changed_crl_is_none(place: Index, bytes in proptest::collection::vec(any::<u8>(), 0..4), remove in 0_usize..4) {
        static CRL: LazyLock<(TrustAnchors, Vec<u8>)> = LazyLock::new(|| {
            let root = TestAuthority::root("root");
            (anchors(&[&root.pem]), root.crl(&CrlContent::new(1, &[SERIAL, OTHER])))
        });
        let (anchors, der) = &*CRL;
        let mut changed = der.clone();
        let start = place.index(der.len());
        changed.splice(start..(start + remove).min(der.len()), bytes);
        prop_assert_eq!(read(anchors, &changed).is_ok(), changed == *der);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        prop_assert!(read(&anchors(&[&TestAuthority::root("root").pem]), &bytes).is_err());
    }
}
