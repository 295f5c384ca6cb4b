use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::test_authority::{CertificateContent, CrlContent, DAY, TestAuthority};

/// The files of a configuration, in a folder of their own.
struct Files {
    folder: TempDir,
    root: TestAuthority,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap(), root: TestAuthority::root("root") };
        files.renew_certificate();
        files.write("ca.crt", &files.root.pem);
        files.write("ca.crl", files.root.crl(&CrlContent::new(5, &[&[9]])));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn renew_certificate(&self) {
        let server = self.root.issue(&CertificateContent::server());
        self.write("server.crt", server.pem);
        self.write("server.key", server.key_pem);
    }

    fn source(&self) -> TrustSource {
        let text = "
tls: { certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [ca.crl] }
identity: { trustDomain: internal.example }
policy: { source: \"file:access.yaml\" }
";
        let config = crate::config::Config::parse(text, "runtime.yaml", self.folder.path()).unwrap();
        TrustSource::new(config.tls, config.identity)
    }
}

async fn refusal(source: &mut TrustSource) -> String {
    source.load().await.unwrap_err().to_string()
}

async fn revision(source: &mut TrustSource) -> Option<Revision> {
    source.load().await.unwrap().map(|(revision, _)| revision)
}

#[tokio::test]
async fn a_snapshot_is_built_once_and_anew_when_a_file_changes() {
    let files = Files::new();
    let mut source = files.source();
    let first = revision(&mut source).await.unwrap();
    assert_eq!(revision(&mut source).await, None);
    files.renew_certificate();
    let second = revision(&mut source).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(revision(&mut source).await, None);
}

#[tokio::test]
async fn sessions_are_not_resumed() {
    let (_, trust) = Files::new().source().load().await.unwrap().unwrap();
    let config = trust.server_config();
    assert_eq!((config.send_tls13_tickets, config.ticketer.enabled()), (0, false));
    assert!(!config.session_storage.can_cache());
    assert_eq!(config.max_early_data_size, 0);
}

/// One file is wrong at a time; the refusal names it, is repeated, and ends when the file is right again.
#[tokio::test]
async fn whatever_is_wrong_is_refused_by_file_and_reason() {
    let files = Files::new();
    let mut source = files.source();
    source.load().await.unwrap();
    let (stranger, server) = (TestAuthority::root("stranger"), files.root.issue(&CertificateContent::server()));
    let half = |name: &str| {
        let content = fs::read(files.path(name)).unwrap();
        content[..content.len() / 2].to_vec()
    };
    for (name, content, says) in [
        ("server.crt", server.pem.clone().into_bytes(), "server.key`: the key does not belong"),
        ("server.key", server.key_pem.clone().into_bytes(), "the key does not belong"),
        ("server.key", server.pem.into_bytes(), "no unencrypted private key"),
        ("server.crt", server.key_pem.into_bytes(), "there is no certificate in it"),
        ("server.crt", half("server.crt"), "it is not PEM"),
        ("server.key", half("server.key"), "no unencrypted private key"),
        ("ca.crt", half("ca.crt"), "it is not PEM"),
        ("ca.crt", Vec::new(), "there is no certificate in it"),
        ("ca.crt", stranger.pem.clone().into_bytes(), "ca.crl`: its issuer is not among"),
        ("ca.crl", half("ca.crl"), "is not a complete version 2 CRL"),
        ("ca.crl", Vec::new(), "needs `-----BEGIN X509 CRL-----`"),
        ("ca.crl", files.root.crl(&CrlContent::new(4, &[])), "CRL number 0x4 is lower than 0x5"),
    ] {
        let good = fs::read(files.path(name)).unwrap();
        files.write(name, content);
        let first = refusal(&mut source).await;
        assert!(first.contains(says), "{name}: {first}");
        assert_eq!(refusal(&mut source).await, first);
        files.write(name, good);
        assert_eq!(revision(&mut source).await, None, "{name}");
    }
    fs::remove_file(files.path("ca.crl")).unwrap();
    assert!(refusal(&mut source).await.contains("ca.crl"));
}

#[tokio::test]
async fn crls_may_be_pem_several_in_a_file() {
    let files = Files::new();
    let other = TestAuthority::root("other");
    files.write("ca.crt", [files.root.pem.as_str(), &other.pem].concat());
    let [mine, theirs] = [&files.root, &other].map(|root| root.crl_pem(&CrlContent::new(6, &[&[1], &[2]])));
    files.write("ca.crl", mine + &theirs);
    let (_, trust) = files.source().load().await.unwrap().unwrap();
    assert_eq!(trust.crl_entries(), 4);
    assert!(trust.crl_next_update().unwrap() > Timestamp::now());
}

#[tokio::test]
async fn a_peer_is_valid_as_long_as_each_certificate_of_its_chain() {
    let files = Files::new();
    let intermediate = files.root.intermediate_until("intermediate", &[8], DAY / 2);
    files.write(
        "ca.crl",
        files.root.crl_pem(&CrlContent::new(6, &[])) + &intermediate.crl_pem(&CrlContent::new(1, &[])),
    );
    files.write("ca.crt", [files.root.pem.as_str(), &intermediate.pem].concat());
    let (_, trust) = files.source().load().await.unwrap().unwrap();
    let peer = trust.verify(&[&intermediate.issue(&CertificateContent::caller(&[])).pem, &intermediate.pem]).unwrap();
    assert!(peer.valid_until() < peer.not_after());
    assert!(peer.is_valid_at(peer.valid_until()) && !peer.is_valid_at(peer.not_after()));
}

#[test]
fn a_revision_says_nothing_of_the_key() {
    let files = |key: &str| revision_of(&["chain", key, "anchors", "crl"]);
    assert_eq!(files("key"), files("other"));
    assert_ne!(files("key"), revision_of(&["chain", "key", "anchors", "other"]));
}

fn revision_of(files: &[&str]) -> Revision {
    let files: Vec<Vec<u8>> = files.iter().map(|file| file.as_bytes().to_vec()).collect();
    super::revision(&files)
}

/// Files appear together: a folder swapped by a symbolic link, as Kubernetes mounts secrets.
#[tokio::test]
async fn a_swapped_folder_is_one_change() {
    let files = Files::new();
    let (one, two, link) = (files.path("one"), files.path("two"), files.path("link"));
    for folder in [&one, &two] {
        fs::create_dir(folder).unwrap();
        files.renew_certificate();
        for name in ["server.crt", "server.key", "ca.crt", "ca.crl"] {
            fs::copy(files.path(name), folder.join(name)).unwrap();
        }
    }
    let point_to = |folder: &Path| {
        std::os::unix::fs::symlink(folder, files.path("new")).unwrap();
        fs::rename(files.path("new"), &link).unwrap();
    };
    point_to(&one);
    for name in ["server.crt", "server.key", "ca.crt", "ca.crl"] {
        fs::remove_file(files.path(name)).unwrap();
        std::os::unix::fs::symlink(link.join(name), files.path(name)).unwrap();
    }
    let mut source = files.source();
    let first = revision(&mut source).await.unwrap();
    point_to(&two);
    assert_ne!(revision(&mut source).await.unwrap(), first);
}
