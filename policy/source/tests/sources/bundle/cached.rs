//! After a restart while the place of the bundle cannot be read.

use std::fs;
use std::time::Duration;

use policy::Timestamp;
use policy_source::Live;
use policy_source::bundle::BundleSettings;

use super::{Folder, allows, bundle, next, refused, settings};
use crate::server::{Server, answer, status};

#[tokio::test]
async fn a_restart_survives_an_outage_and_then_goes_on() {
    let folder = Folder::new();
    let one = bundle("1", "GET").archive();
    let server = Server::start([
        answer(200, "", &one),
        status(503, "restarted meanwhile"),
        status(503, "still"),
        answer(200, "", &one),
        answer(200, "", &bundle("2", "POST").archive()),
    ]);
    let uri = format!("bundle:{}/b.tar.gz", server.url);
    next(&mut folder.open(&uri, &settings()).await).await.unwrap();
    let mut source = folder.open(&uri, &settings()).await;
    let (revision, engine) = next(&mut source).await.unwrap();
    assert!(revision == "1" && allows(&engine, "GET"));
    assert!(refused(&mut source).await.contains("503"), "an outage that lasts must be seen, or nothing grows stale");
    assert!(next(&mut source).await.is_none(), "it is the one in force");
    assert_eq!(next(&mut source).await.unwrap().0, "2");
}

#[tokio::test]
async fn a_bundle_from_the_cache_is_as_old_as_its_last_confirmation() {
    let folder = Folder::new();
    folder.write(&bundle("1", "GET"));
    let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
    assert!(live.age() < Duration::from_secs(60));
    let note = fs::read_dir(folder.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let note = note.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "confirmed")).unwrap();
    fs::write(note, (Timestamp::now() - Duration::from_secs(7200)).to_string()).unwrap();
    fs::rename(folder.path("bundle.tar.gz"), folder.path("elsewhere")).unwrap();
    for _ in 0..2 {
        let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
        assert!(live.age() >= Duration::from_secs(7200), "a restart makes it no younger");
    }
    fs::rename(folder.path("elsewhere"), folder.path("bundle.tar.gz")).unwrap();
    let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
    assert!(live.age() < Duration::from_secs(60), "it was confirmed again");
}

#[tokio::test]
async fn without_a_cache_or_with_another_sources_there_is_no_start() {
    let folder = Folder::new();
    let server = Server::start([answer(200, "", &bundle("1", "GET").archive()), status(404, ""), status(404, "")]);
    let uri = format!("bundle:{}/b.tar.gz", server.url);
    next(&mut folder.open(&uri, &settings()).await).await.unwrap();
    let other = format!("bundle:{}/other.tar.gz", server.url);
    assert!(refused(&mut folder.open(&other, &settings()).await).await.contains("404"));
    let uncached = BundleSettings { cache_directory: None, ..settings() };
    assert!(refused(&mut folder.open(&uri, &uncached).await).await.contains("404"));
}
