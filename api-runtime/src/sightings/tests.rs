use super::certificate::ENDPOINTS;
use super::*;
use policy::Timestamp;

const A: &str = "111111111111";
const B: &str = "222222222222";

/// An inventory, and a limit for everybody.
struct Known(Vec<(&'static str, &'static str)>, usize);

impl Expectations for Known {
    fn account(&self, endpoint: &VpcEndpointId) -> Option<AccountId> {
        let found = self.0.iter().find(|(id, _)| *id == endpoint.as_str());
        found.map(|(_, account)| account.parse().unwrap())
    }

    fn max_endpoints(&self, _: &SpiffeId) -> usize {
        self.1
    }
}

fn certificate() -> Certificate {
    let identity = "spiffe://internal.example/prod/orders-api".parse().unwrap();
    Certificate::of(identity, "a1b2".parse().unwrap(), Timestamp::UNIX_EPOCH)
}

/// Sees a certificate through an endpoint; the signs that are new.
fn see(sightings: &Sightings, digest: &str, endpoint: &str, known: &Known, now: Instant) -> Vec<&'static str> {
    let endpoint = endpoint.parse().unwrap();
    sightings.locked().see(digest, certificate, &endpoint, known, now).map(|finding| finding.signs).unwrap_or_default()
}

#[test]
fn an_inventory_that_is_too_old_takes_nothing_back() {
    let (sightings, now) = (Sightings::default(), Instant::now());
    let known = Known(vec![("vpce-0a", A), ("vpce-0b", B)], 4);
    see(&sightings, "d", "vpce-0a", &known, now);
    assert_eq!(see(&sightings, "d", "vpce-0b", &known, now), ["accounts"]);
    assert!(sightings.review(&Known(Vec::new(), 4), now).is_empty(), "nothing new");
    assert_eq!(sightings.counts(), [1, 0]);
}

#[test]
fn one_endpoint_however_often_is_one_user() {
    let (sightings, known, now) = (Sightings::default(), Known(vec![("vpce-1", A)], 1), Instant::now());
    for _ in 0..5 {
        assert!(see(&sightings, "c", "vpce-1", &known, now).is_empty());
    }
    assert_eq!((sightings.counts(), sightings.shared(now).len()), ([0, 0], 0));
}

#[test]
fn a_second_account_is_said_once_and_a_third_again() {
    let known = Known(vec![("vpce-1", A), ("vpce-2", B), ("vpce-3", "333333333333")], 9);
    let (sightings, now) = (Sightings::default(), Instant::now());
    let through = |endpoint: &str| see(&sightings, "c", endpoint, &known, now);
    assert!(through("vpce-1").is_empty());
    assert_eq!(through("vpce-2"), ["accounts"]);
    assert!(through("vpce-1").is_empty() && through("vpce-2").is_empty());
    assert_eq!(through("vpce-3"), ["accounts"]);
    assert_eq!(sightings.counts(), [1, 0]);
    let shared = &sightings.shared(now)[0];
    assert_eq!((shared.signs.as_slice(), shared.endpoints.len()), (["accounts"].as_slice(), 3));
}

#[test]
fn more_endpoints_than_its_identity_should_have_are_said_one_by_one() {
    let (sightings, known, now) = (Sightings::default(), Known(vec![], 2), Instant::now());
    let signs: Vec<_> =
        ["vpce-1", "vpce-2", "vpce-3", "vpce-3", "vpce-4"].map(|id| see(&sightings, "c", id, &known, now).len()).into();
    assert_eq!(signs, [0, 0, 1, 0, 1]);
    assert_eq!(sightings.counts(), [0, 1]);
}

#[test]
fn a_rotated_certificate_begins_anew_and_another_one_is_not_its_neighbour() {
    let known = Known(vec![("vpce-1", A), ("vpce-2", B)], 1);
    let (sightings, now) = (Sightings::default(), Instant::now());
    assert!(see(&sightings, "old", "vpce-1", &known, now).is_empty());
    assert!(see(&sightings, "new", "vpce-2", &known, now).is_empty(), "not the certificate that came through vpce-1");
}

#[test]
fn a_replaced_endpoint_is_forgotten() {
    let (sightings, known, now) = (Sightings::default(), Known(vec![], 1), Instant::now());
    assert!(see(&sightings, "c", "vpce-1", &known, now).is_empty());
    assert!(see(&sightings, "c", "vpce-2", &known, now + MEMORY + Duration::from_secs(1)).is_empty());
    assert!(sightings.review(&known, now + MEMORY * 3).is_empty());
    let seen = sightings.locked();
    assert!(seen.certificates.is_empty() && seen.order.is_empty(), "whoever no longer comes is forgotten whole");
}

#[test]
fn what_the_inventory_learns_later_counts_then_and_what_it_corrects_no_more() {
    let (sightings, now) = (Sightings::default(), Instant::now());
    let unknown = Known(vec![("vpce-1", A)], 9);
    assert!(see(&sightings, "c", "vpce-1", &unknown, now).is_empty());
    assert!(see(&sightings, "c", "vpce-2", &unknown, now).is_empty(), "nobody knows whose endpoint that is");
    let two = Known(vec![("vpce-1", A), ("vpce-2", B)], 9);
    assert_eq!(sightings.review(&two, now).len(), 1);
    assert!(sightings.review(&two, now).is_empty(), "said once");
    assert_eq!(sightings.counts(), [1, 0]);
    let corrected = Known(vec![("vpce-1", A), ("vpce-2", A)], 9);
    assert!(sightings.review(&corrected, now).is_empty());
    assert_eq!(sightings.counts(), [0, 0]);
}

#[test]
fn a_lower_limit_of_the_policy_counts_from_the_next_look() {
    let (sightings, now) = (Sightings::default(), Instant::now());
    for endpoint in ["vpce-1", "vpce-2"] {
        assert!(see(&sightings, "c", endpoint, &Known(vec![], 2), now).is_empty());
    }
    let found = sightings.review(&Known(vec![], 1), now);
    assert_eq!((found[0].signs.as_slice(), found[0].limit), (["endpoints"].as_slice(), 1));
}

#[test]
fn of_too_many_certificates_those_not_seen_longest_are_forgotten() {
    let (sightings, known, now) = (Sightings::default(), Known(vec![], 1), Instant::now());
    see(&sightings, "first", "vpce-1", &known, now);
    see(&sightings, "second", "vpce-1", &known, now);
    for number in 0..CERTIFICATES - 1 {
        see(&sightings, &number.to_string(), "vpce-1", &known, now);
        see(&sightings, "first", "vpce-1", &known, now);
    }
    let seen = sightings.locked();
    assert_eq!((seen.certificates.len(), seen.order.len()), (CERTIFICATES, CERTIFICATES));
    assert!(seen.certificates.contains_key("first") && !seen.certificates.contains_key("second"));
}

#[test]
fn endpoints_are_remembered_up_to_a_bound_and_then_nothing_is_new() {
    let now = Instant::now();
    for (limit, said) in [(1, ENDPOINTS - 1), (ENDPOINTS, 0)] {
        let (sightings, known) = (Sightings::default(), Known(vec![], limit));
        let found = (0..200).map(|number| see(&sightings, "c", &format!("vpce-{number:x}"), &known, now).len());
        assert_eq!(found.sum::<usize>(), said);
        assert_eq!(sightings.locked().certificates["c"].endpoints(), ENDPOINTS);
    }
}
