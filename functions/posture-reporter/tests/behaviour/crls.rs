//! How long CRLs are good for.

use posture_reporter::{Fault, handle};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use serde_json::json;
use wire_replay::Replay;

use crate::stage::{Server, Stage, failed, invocation, schedule};

/// A CRL in DER whose nextUpdate is the first of January of that year.
pub(crate) fn crl(year: i32) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let issuer = Issuer::new(params, KeyPair::generate().unwrap());
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(year, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().der().to_vec()
}

fn seconds_to(year: &str) -> f64 {
    let time: policy::Timestamp = format!("{year}-01-01T00:00:00Z").parse().unwrap();
    time.duration_since(policy::Timestamp::now()).as_secs_f64()
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 10.0
}

fn stage(locations: &[String]) -> Stage {
    Stage::new(Replay::new()).with("LINKWARD_CRL_LOCATIONS", &locations.join(","))
}

#[tokio::test]
async fn the_one_with_the_least_time_left_counts() {
    let servers = [Server::start(crl(2040)), Server::start(crl(2039))];
    let locations = servers.each_ref().map(|server| format!("http://{}/ca.crl", server.address));
    let metrics = stage(&locations).measured().await;
    assert!(near(metrics["CrlSecondsToNextUpdate"], seconds_to("2039")), "{metrics:?}");
}

#[tokio::test]
async fn a_stale_one_is_negative_and_pem_is_read_too() {
    let body = pem(&crl(2021));
    let server = Server::start(body.into_bytes());
    let metrics = stage(&[format!("http://{}/ca.crl", server.address)]).measured().await;
    assert!(near(metrics["CrlSecondsToNextUpdate"], seconds_to("2021")), "{metrics:?}");
}

#[tokio::test]
async fn of_several_in_one_file_the_one_with_the_least_time_left_counts() {
    let body = [2040, 2039, 2041].map(|year| pem(&crl(year))).concat();
    let server = Server::start(body.into_bytes());
    let metrics = stage(&[format!("http://{}/ca.crl", server.address)]).measured().await;
    assert!(near(metrics["CrlSecondsToNextUpdate"], seconds_to("2039")), "{metrics:?}");
}

#[tokio::test]
async fn it_is_fetched_again_only_when_it_changed() {
    let server = Server::start(crl(2040));
    let stage = stage(&[format!("http://{}/ca.crl", server.address)]);
    let app = stage.app();
    for _ in 0..2 {
        handle(&app, invocation(schedule())).await.unwrap();
    }
    let second = server.requests.lock().unwrap()[1].to_lowercase();
    assert!(second.contains("if-none-match"), "{second}");
    let published = stage.replay.calls_of("PutMetricData");
    assert!(
        published.iter().all(|call| call.cbor().to_string().contains("CrlSecondsToNextUpdate")),
        "known all the same"
    );
}

#[tokio::test]
async fn one_that_cannot_be_read_is_an_error_each_time_and_the_others_are_measured() {
    let (good, bad) = (Server::start(crl(2040)), Server::start(b"no crl".to_vec()));
    let locations = [&good, &bad].map(|server| format!("http://{}/ca.crl", server.address));
    let stage = stage(&locations);
    let app = stage.app();
    for _ in 0..2 {
        let (fault, answer) = failed(handle(&app, invocation(schedule())).await);
        assert_eq!(fault, Fault::CrlUnavailable);
        assert_eq!((&answer["measured"], &answer["unavailable"]), (&json!(["crls"]), &json!([locations[1]])));
    }
    let half = pem(&crl(2041));
    let one_more_byte = [crl(2041), vec![0]].concat();
    for body in
        [half[..half.len() / 2].into(), [pem(&crl(2041)), half[..half.len() / 2].into()].concat().into(), one_more_byte]
    {
        *bad.body.lock().unwrap() = body;
        assert_eq!(failed(handle(&app, invocation(schedule())).await).0, Fault::CrlUnavailable);
    }
    *bad.body.lock().unwrap() = crl(2041);
    handle(&app, invocation(schedule())).await.unwrap();
}

fn pem(der: &[u8]) -> String {
    use std::fmt::Write as _;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN X509 CRL-----\n");
    for (index, group) in der.chunks(3).enumerate() {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        let digit = |place: usize| char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
        let digits: String = (0..4).map(|place| if place <= group.len() { digit(place) } else { '=' }).collect();
        write!(text, "{digits}{}", if index % 16 == 15 { "\n" } else { "" }).unwrap();
    }
    text + "\n-----END X509 CRL-----\n"
}
