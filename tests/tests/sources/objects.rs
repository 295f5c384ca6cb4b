//! Objects in S3: changed or not, gone, and over a line that is cut.

use policy_source::remote::{Fetched, RemoteObject};

use crate::line::Line;
use crate::stack;

#[tokio::test]
async fn an_object_is_given_when_it_changed_and_kept_through_an_outage() {
    let stack = stack().await;
    let line = Line::to(stack.endpoint()).await;
    stack.create_bucket("crl-bucket").await.unwrap();
    stack.put_object("crl-bucket", "crl/ca.crl", b"one".to_vec()).await.unwrap();
    let sdk = stack.sdk_config(&stack.provider()).await.to_builder().endpoint_url(&line.url).build();
    let mut object = RemoteObject::with_sdk(&"s3://crl-bucket/crl/ca.crl".parse().unwrap(), &sdk, 1000).unwrap();
    let bytes = |fetched: Fetched| match fetched {
        Fetched::Changed { bytes, etag, .. } => Some((bytes, etag.is_some())),
        Fetched::Unchanged => None,
    };
    assert_eq!(bytes(object.fetch().await.unwrap()), Some((b"one".to_vec(), true)));
    assert_eq!(bytes(object.fetch().await.unwrap()), None);
    line.cut().await;
    assert!(object.fetch().await.unwrap_err().to_string().contains("s3://crl-bucket/crl/ca.crl"));
    line.mend();
    assert_eq!(bytes(object.fetch().await.unwrap()), None, "the outage is no change");
    stack.put_object("crl-bucket", "crl/ca.crl", b"two".to_vec()).await.unwrap();
    assert_eq!(bytes(object.fetch().await.unwrap()).unwrap().0, b"two");
    let missing = RemoteObject::with_sdk(&"s3://crl-bucket/none".parse().unwrap(), &sdk, 1000);
    let error = missing.unwrap().fetch().await.unwrap_err().to_string();
    assert!(error.contains("404 NoSuchKey") && error.contains("s3:GetObject"), "{error}");
}
