use std::fs;

use tempfile::TempDir;

use super::*;
use crate::test_authority::{CertificateContent, CrlContent, DAY, TestAuthority};

const ORDERS: &str = "spiffe://internal.example/prod/orders-api";
const POLICY: &str = "version: 1\ntrustDomain: internal.example\ncallers: []\n";
const ACCOUNT: &str = "123456789012";

/// Files, and what is read from them.
struct Scene {
    folder: TempDir,
    root: TestAuthority,
    snapshots: Snapshots,
}

impl Scene {
    async fn new() -> Self {
        Self::with("1h", "").await
    }

    /// Deny list and inventory are believed for `staleness`; `tls` is another line of that group.
    async fn with(staleness: &str, tls: &str) -> Self {
        let (folder, root) = (tempfile::tempdir().unwrap(), TestAuthority::root("root"));
        let server = root.issue(&CertificateContent::server());
        for (name, content) in [
            ("server.crt", &server.pem),
            ("server.key", &server.key_pem),
            ("ca.crt", &root.pem),
            ("ca.crl", &root.crl_pem(&CrlContent::new(1, &[]))),
            ("access.yaml", &POLICY.to_owned()),
            ("deny.yaml", &"entries: []\n".to_owned()),
            ("endpoints.yaml", &format!("endpoints:\n- endpointId: vpce-0a\n  account: \"{ACCOUNT}\"\n")),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let snapshots = Snapshots::start(&config(&folder, staleness, tls)).await.unwrap();
        Self { folder, root, snapshots }
    }

    async fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
        let Snapshots { policy, trust, deny_list, endpoints, .. } = &self.snapshots;
        let _ = policy.refresh_now().await;
        let _ = trust.refresh_now().await;
        let _ = deny_list.as_ref().unwrap().refresh_now().await;
        let _ = endpoints.as_ref().unwrap().refresh_now().await;
    }

    async fn deny(&self, entry: &str) {
        self.write("deny.yaml", &format!("entries:\n- {{ {entry} }}\n")).await;
    }

    fn peer(&self, content: &CertificateContent) -> Arc<Peer> {
        self.snapshots.trust.load().value.verify(&[&self.root.issue(content).pem]).unwrap()
    }

    fn check(&self, peer: &Peer) -> Option<Reason> {
        self.check_at(peer, 0)
    }

    fn check_at(&self, peer: &Peer, seconds_from_now: i64) -> Option<Reason> {
        let at = Timestamp::from_second(Timestamp::now().as_second() + seconds_from_now).unwrap();
        let now = Now { at, ..Now::read() };
        self.check_through(peer, "vpce-0a", now)
    }

    fn check_through(&self, peer: &Peer, endpoint: &str, now: Now) -> Option<Reason> {
        self.snapshots.check(peer, Some(&endpoint.parse().unwrap()), now).err()
    }
}

fn config(folder: &TempDir, staleness: &str, tls: &str) -> Config {
    let text = format!(
        "identity: {{ trustDomain: internal.example }}\n\
         policy: {{ source: \"file:access.yaml\", refresh: 30m }}\n\
         denyList: {{ source: \"file:deny.yaml\", refresh: 50ms, maxStaleness: {staleness} }}\n\
         endpoints: {{ source: \"file:endpoints.yaml\", refresh: 50ms, maxStaleness: {staleness} }}\n\
         tls:\n  certificateChain: server.crt\n  privateKey: server.key\n  clientTrustAnchors: ca.crt\n  crls: [ca.crl]\n  \
         refresh: 1h\n{tls}"
    );
    Config::parse(&text, "runtime.yaml", folder.path()).unwrap()
}

fn orders() -> CertificateContent {
    CertificateContent::caller(&[ORDERS])
}

#[tokio::test]
async fn a_good_peer_passes_until_it_expires() {
    let scene = Scene::new().await;
    let peer = scene.peer(&orders());
    assert_eq!(scene.check(&peer), None);
    assert_eq!(scene.check_at(&peer, DAY - 60), None);
    assert_eq!(scene.check_at(&peer, DAY + 60), Some(Reason::CertificateExpired));
    assert_eq!(scene.check_at(&peer, -DAY - 60), Some(Reason::CertificateExpired));
}

#[tokio::test]
async fn a_crl_that_names_the_peer_reaches_its_next_request() {
    let scene = Scene::new().await;
    let peer = scene.peer(&orders());
    let mut changes = scene.snapshots.changes();
    scene.write("ca.crl", &scene.root.crl_pem(&CrlContent::new(2, &[&[0x0a, 0x1b, 0x2c]]))).await;
    assert_eq!(scene.check(&peer), Some(Reason::CertificateRevoked));
    tokio::time::timeout(Duration::from_secs(5), changes.changed()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_crl_that_has_passed_its_next_update_reaches_open_connections() {
    let scene = Scene::new().await;
    let peer = scene.peer(&CertificateContent { not_after: 3 * DAY, ..orders() });
    assert_eq!(scene.check_at(&peer, 2 * DAY), Some(Reason::CrlStale));
}

#[tokio::test]
async fn a_peer_whose_anchor_is_no_longer_trusted_is_out() {
    let scene = Scene::new().await;
    let peer = scene.peer(&orders());
    let other = TestAuthority::root("other");
    scene.write("ca.crl", &other.crl_pem(&CrlContent::new(1, &[]))).await;
    assert_eq!(scene.check(&peer), None, "a CRL of a stranger is refused, the last good snapshot stays");
    scene.write("ca.crt", &[&scene.root.pem[..], &other.pem].concat()).await;
    assert_eq!(scene.check(&peer), Some(Reason::CrlStale), "there is no CRL of its issuer any more");
    scene.write("ca.crt", &other.pem).await;
    assert_eq!(scene.check(&peer), Some(Reason::CertificateRevoked));
}

#[tokio::test]
async fn a_deny_list_entry_reaches_the_next_request_and_can_be_withdrawn() {
    let scene = Scene::new().await;
    let peer = scene.peer(&orders());
    for entry in [
        "serialNumber: \"0A:1B:2C\"",
        &format!("identity: \"{ORDERS}\""),
        &format!("account: \"{ACCOUNT}\""),
        "serialNumber: \"a1b2c\", expires: 2999-01-01T00:00:00Z",
        "serialNumber: \"a1b2c\", issuedBefore: 2999-01-01T00:00:00Z",
    ] {
        scene.deny(entry).await;
        assert_eq!(scene.check(&peer), Some(Reason::CertificateRevoked), "{entry}");
    }
    for entry in [
        "serialNumber: \"a1b2d\"",
        "identity: \"spiffe://internal.example/prod/orders\"",
        "account: \"210987654321\"",
        "serialNumber: \"a1b2c\", expires: 2020-01-01T00:00:00Z",
        "serialNumber: \"a1b2c\", issuedBefore: 2020-01-01T00:00:00Z",
    ] {
        scene.deny(entry).await;
        assert_eq!(scene.check(&peer), None, "{entry}");
    }
}

#[tokio::test]
async fn what_nobody_confirms_any_more_is_not_believed() {
    let scene = Scene::with("2s", "").await;
    let peer = scene.peer(&orders());
    let endpoint = "vpce-0a".parse().unwrap();
    assert_eq!(scene.snapshots.account(&endpoint, Now::read()), Some(ACCOUNT.parse().unwrap()));
    assert_eq!(scene.snapshots.account(&"vpce-0b".parse().unwrap(), Now::read()), None);
    for name in ["deny.yaml", "endpoints.yaml"] {
        fs::remove_file(scene.folder.path().join(name)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(scene.check(&peer), Some(Reason::DenyListStale));
    assert_eq!(scene.snapshots.account(&endpoint, Now::read()), None);
    assert!(scene.snapshots.policy_for_use(Now::read()).is_ok());
    scene.write("deny.yaml", "entries: []\n").await;
    assert_eq!(scene.check(&peer), None);
}

#[tokio::test]
async fn a_certificate_valid_for_too_long_is_out() {
    let scene = Scene::with("1h", "  maxClientCertificateLifetime: 2d\n").await;
    assert_eq!(scene.check(&scene.peer(&orders())), None);
    let long = scene.peer(&CertificateContent { not_after: DAY + 1, ..orders() });
    assert_eq!(scene.check(&long), Some(Reason::CertificateLifetimeTooLong));
}

#[tokio::test]
async fn a_peer_without_identity_is_told_so_after_everything_worse() {
    let scene = Scene::new().await;
    let peer = scene.peer(&CertificateContent::caller(&["spiffe://other.example/x"]));
    assert_eq!(scene.check(&peer), Some(Reason::BadIdentity));
    scene.deny("serialNumber: \"a1b2c\"").await;
    assert_eq!(scene.check(&peer), Some(Reason::CertificateRevoked));
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_named() {
    let scene = Scene::new().await;
    let revision = scene.snapshots.trust.revision();
    scene.write("ca.crt", "-----BEGIN CERTIFICATE-----\n").await;
    assert_eq!(scene.snapshots.trust.revision(), revision);
    assert!(scene.snapshots.trust.last_error().unwrap().contains("ca.crt"));
    scene.write("access.yaml", &POLICY.replace("internal.example", "other.example")).await;
    let error = scene.snapshots.policy.last_error().unwrap();
    assert!(error.contains("its trust domain is `other.example`"), "{error}");
    scene.write("access.yaml", POLICY).await;
    assert_eq!(scene.snapshots.policy.last_error(), None);
}

#[tokio::test]
async fn everything_that_is_wrong_at_start_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = Snapshots::start(&config(&folder, "1h", "")).await.unwrap_err().to_string();
    for name in ["server.crt", "access.yaml", "deny.yaml", "endpoints.yaml"] {
        assert!(error.contains(name), "{name}: {error}");
    }
    assert_eq!(error.lines().count(), 4, "{error}");
}

#[tokio::test]
async fn a_denied_account_stays_out_through_an_endpoint_that_nobody_knows_and_by_an_inventory_that_is_too_old() {
    let scene = Scene::new().await;
    let peer = scene.peer(&orders());
    let later = |seconds: u64| Now { steady: std::time::Instant::now() + Duration::from_secs(seconds), ..Now::read() };
    assert_eq!(scene.check_through(&peer, "vpce-0b", Now::read()), None, "no account is denied");
    scene.deny("account: \"999999999999\"").await;
    assert_eq!(scene.check_through(&peer, "vpce-0a", Now::read()), None);
    assert_eq!(scene.check_through(&peer, "vpce-0b", Now::read()), Some(Reason::EndpointUnknown));
    scene.deny(&format!("account: \"{ACCOUNT}\"")).await;
    assert_eq!(scene.snapshots.account(&"vpce-0a".parse().unwrap(), later(86_400)), None, "too old to let in");
    assert_eq!(scene.check_through(&peer, "vpce-0a", later(86_400)), Some(Reason::CertificateRevoked));
}
