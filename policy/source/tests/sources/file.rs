//! Files, in all the ways people and machines write them.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use policy::Format;
use policy_source::{DenyListSource, InventorySource, Live, Load, PolicySource, SourceUri};
use tempfile::TempDir;

/// SHA-256 of `one`.
const ONE: &str = "sha256:7692c3ad3540bb80";

struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    async fn policy(&self, name: &str) -> PolicySource {
        PolicySource::open(&SourceUri::File(name.into()), self.folder.path()).await.unwrap()
    }
}

async fn next(source: &mut PolicySource) -> Option<String> {
    source.fetch().await.unwrap().map(|document| String::from_utf8(document.bytes).unwrap())
}

fn open(path: &Path) -> File {
    File::options().append(true).open(path).unwrap()
}

#[tokio::test]
async fn a_file_is_given_once_with_the_hash_as_its_revision() {
    let folder = Folder::new();
    let mut source = folder.write("access.json", "one").policy("access.json").await;
    let document = source.fetch().await.unwrap().unwrap();
    assert_eq!((document.revision.as_str(), document.format), (ONE, Format::Json));
    assert_eq!(document.name, folder.path("access.json").display().to_string());
    assert_eq!(source.fetch().await.unwrap(), None);
    // Written again, but no different.
    folder.write("access.json", "one");
    assert_eq!(source.fetch().await.unwrap(), None);
}

#[tokio::test]
async fn an_absolute_path_does_not_start_at_the_folder() {
    let folder = Folder::new();
    let uri = SourceUri::File(folder.write("a.yaml", "one").path("a.yaml"));
    let mut source = PolicySource::open(&uri, Path::new("/nowhere")).await.unwrap();
    assert_eq!(next(&mut source).await.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_rewrite_in_place_is_seen() {
    let folder = Folder::new();
    let mut source = folder.write("a.yaml", "one").policy("a.yaml").await;
    next(&mut source).await.unwrap();
    folder.write("a.yaml", "another");
    assert_eq!(next(&mut source).await.as_deref(), Some("another"));
}

#[tokio::test]
async fn a_rewrite_of_the_same_size_and_time_is_seen() {
    let folder = Folder::new();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let write = |content| {
        let modified = open(&folder.write("a.yaml", content).path("a.yaml"));
        modified.set_modified(long_ago).unwrap();
    };
    write("one");
    let mut source = folder.policy("a.yaml").await;
    next(&mut source).await.unwrap();
    write("two");
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
    assert_eq!(next(&mut source).await, None);
}

#[tokio::test]
async fn a_file_renamed_into_place_is_seen() {
    let folder = Folder::new();
    let mut source = folder.write("a.yaml", "one").write("new", "two").policy("a.yaml").await;
    next(&mut source).await.unwrap();
    fs::rename(folder.path("new"), folder.path("a.yaml")).unwrap();
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_swapped_link_is_followed_anew() {
    let folder = Folder::new();
    // As Kubernetes mounts a ConfigMap: file → ..data/file, ..data → a folder for each version.
    for (version, content) in [("v1", "one"), ("v2", "two")] {
        fs::create_dir(folder.path(version)).unwrap();
        folder.write(&format!("{version}/a.yaml"), content);
    }
    symlink("v1", folder.path("..data")).unwrap();
    symlink("..data/a.yaml", folder.path("a.yaml")).unwrap();
    let mut source = folder.policy("a.yaml").await;
    assert_eq!(next(&mut source).await.as_deref(), Some("one"));
    symlink("v2", folder.path("..data_tmp")).unwrap();
    fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
}

/// Appends the rest of a document part by part; gives the longest pause between two parts.
fn write_slowly(path: &Path, parts: &[&str]) -> Duration {
    let mut file = open(path);
    let mut longest = Duration::ZERO;
    for part in parts {
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(10));
        file.write_all(part.as_bytes()).unwrap();
        longest = longest.max(began.elapsed());
    }
    longest
}

#[tokio::test]
async fn half_a_document_is_not_given_while_the_rest_is_written() {
    // On a busy machine the writer may pause for longer than anybody waits: then it is tried again.
    for _ in 0..20 {
        let folder = Folder::new();
        let mut source = folder.write("a.yaml", "1").policy("a.yaml").await;
        let path = folder.path("a.yaml");
        let writer = tokio::task::spawn_blocking(move || write_slowly(&path, &["2", "3", "4", "5", "6", "7", "8"]));
        let given = next(&mut source).await;
        if writer.await.unwrap() < Duration::from_millis(25) {
            assert_eq!(given.as_deref(), Some("12345678"));
            return;
        }
    }
    panic!("the machine is too busy for this test");
}

#[tokio::test]
async fn an_empty_file_is_refused_with_the_remedy_until_it_is_written() {
    let folder = Folder::new();
    let mut source = folder.write("a.yaml", "one").policy("a.yaml").await;
    next(&mut source).await.unwrap();
    folder.write("a.yaml", "");
    for _ in 0..2 {
        let error = source.fetch().await.unwrap_err().to_string();
        assert!(error.contains("a.yaml` is empty; write a new file beside it and rename it into place"), "{error}");
    }
    folder.write("a.yaml", "two");
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn what_is_no_file_or_not_there_is_an_error_with_its_path() {
    let folder = Folder::new();
    for (name, fault) in [("absent.yaml", "cannot read `"), (".", "is not a file"), ("/dev/null", "is not a file")] {
        let error = folder.policy(name).await.fetch().await.unwrap_err().to_string();
        assert!(error.contains(fault) && error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn what_the_check_refuses_is_refused_each_time_and_the_last_good_stays() {
    let folder = Folder::new();
    folder.write("deny.yaml", "entries:\n  - serialNumber: \"a1\"\n");
    let source = DenyListSource::open(&"file:deny.yaml".parse().unwrap(), folder.folder.path()).await.unwrap();
    let live = Live::start("deny list", source, Duration::from_secs(3600)).await.unwrap();
    let good = live.revision();

    folder.write("deny.yaml", "entries:\n  - serialNumber: \"b");
    for _ in 0..2 {
        let error = live.refresh_now().await.unwrap_err().to_string();
        assert!(error.starts_with("deny list: ") && error.contains("deny.yaml"), "{error}");
    }
    fs::remove_file(folder.path("deny.yaml")).unwrap();
    let error = live.refresh_now().await.unwrap_err().to_string();
    assert!(error.contains("cannot read `") && error.contains("check the path"), "{error}");
    assert_eq!((live.load().value.len(), live.revision()), (1, good));

    folder.write("deny.yaml", "entries:\n  - serialNumber: \"b2\"\n  - account: \"123456789012\"\n");
    live.refresh_now().await.unwrap();
    assert_eq!((live.load().value.len(), live.last_error()), (2, None));
}

#[tokio::test]
async fn an_inventory_file_becomes_an_inventory() {
    let folder = Folder::new();
    folder.write("e.yaml", "endpoints:\n  - endpointId: vpce-0a1b\n    account: \"123456789012\"\n");
    let mut source = InventorySource::open(&"file:e.yaml".parse().unwrap(), folder.folder.path()).await.unwrap();
    let (_, inventory) = source.load().await.unwrap().unwrap();
    let owner = inventory.account(&"vpce-0a1b".parse().unwrap()).unwrap();
    assert_eq!(owner.as_str(), "123456789012");
    assert!(source.load().await.unwrap().is_none());
    assert!(!source.is_remote());
}
