//! Secrets by what goes over the wire.

use policy_source::{Secret, SecretError};
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

const ID: &str = "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:invoices-a1b2c3";

fn version(id: &str, secret: &Value) -> Answer {
    Answer::json(&json!({"ARN": "arn", "VersionId": id, "SecretString": secret.to_string()}))
}

fn secret(replay: &Replay) -> Secret {
    Secret::with_sdk(&ID.parse().unwrap(), &replay.sdk_config())
}

#[tokio::test]
async fn the_current_version_is_given_once_and_the_next_when_it_is_rotated() {
    let pair = |n: u8| json!({"certificate": format!("C{n}\n"), "chain": "I\n", "privateKey": format!("K{n}")});
    let replay =
        Replay::new().on("GetSecretValue", version("v1", &pair(1))).on("GetSecretValue", version("v1", &pair(1)));
    let replay = replay.on("GetSecretValue", version("v2", &pair(2)));
    let mut secret = secret(&replay);
    assert_eq!(secret.fetch().await.unwrap().unwrap().private_key, b"K1");
    assert_eq!(secret.fetch().await.unwrap(), None);
    let second = secret.fetch().await.unwrap().unwrap();
    assert_eq!((second.certificate_chain, second.private_key), (b"C2\nI\n".to_vec(), b"K2".to_vec()));
    let asked = replay.calls_of("GetSecretValue")[0].json();
    assert_eq!(asked, json!({"SecretId": ID.strip_prefix("secretsmanager:").unwrap()}));
}

#[tokio::test]
async fn errors_name_the_secret_and_nothing_that_it_holds() {
    let bad = json!({"certificate": 7, "privateKey": "-----BEGIN TOP SECRET-----"});
    let replay = Replay::new().on("GetSecretValue", version("v1", &bad)).on("GetSecretValue", version("v1", &bad));
    let replay = replay.on("GetSecretValue", Answer::json_error(400, "ResourceNotFoundException"));
    let mut secret = secret(&replay);
    for _ in 0..2 {
        let error = secret.fetch().await.unwrap_err();
        assert!(matches!(error, SecretError::Malformed(_)), "{error}: a version that was refused is not unchanged");
        assert!(error.to_string().contains(ID) && !error.to_string().contains("TOP SECRET"), "{error}");
    }
    let error = secret.fetch().await.unwrap_err().to_string();
    assert!(error.contains("ResourceNotFoundException") && error.contains("secretsmanager:GetSecretValue"), "{error}");
}
