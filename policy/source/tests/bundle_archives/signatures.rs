//! Signatures: of all files, by the configured key, as OPA makes them.

use policy_source::bundle::{Bundle, VerificationKey};
use proptest::prelude::*;

use crate::packing::{Packed, Signer};
use crate::{RULES, read};

fn signed_files() -> Packed {
    Packed::default()
        .file("/data.json", "{ \"b\": 1.0,\n\"a\": [1e3, \"<é>\"] }")
        .file("/app/a.rego", RULES)
        .file("/extra/data.yaml", "n: 1\nt: x\n")
        .file("/.manifest", "{\"revision\":\"1\", \"roots\":[\"\"]}")
}

fn verify(packed: &Packed, key: &[u8]) -> Result<Bundle, String> {
    Bundle::read(&packed.archive(), Some(&VerificationKey::from_pem(key).unwrap())).map_err(|error| error.to_string())
}

#[test]
fn a_signed_bundle_is_verified_by_either_algorithm() {
    for signer in [Signer::ecdsa(), Signer::rsa()] {
        let signed = signer.sign(signed_files());
        assert!(verify(&signed, signer.public_key()).unwrap().is_signed);
        // The same JSON, written in another way, is what was signed.
        let rewritten = signer.token(signed_files());
        let other =
            signed_files().replace("/data.json", "{\"a\":[1e3,\"\\u003c\\u00e9>\"],\"b\":1.0}").signed_by(&rewritten);
        verify(&other, signer.public_key()).unwrap();
        // Without a key it is read as it is.
        assert!(read(&signed).is_signed);
    }
}

#[test]
fn what_the_signature_does_not_cover_is_refused() {
    let signer = Signer::ecdsa();
    let token = signer.token(signed_files());
    let with = |packed: Packed| verify(&packed, signer.public_key()).unwrap_err();
    for (packed, says) in [
        (signed_files(), "there is no .signatures.json"),
        (signed_files().replace("/app/a.rego", "package linkward"), "there is no .signatures.json"),
        (signed_files().replace("/app/a.rego", "package linkward").signed_by(&token), "`app/a.rego` was changed after"),
        (signed_files().replace("/data.json", "{}").signed_by(&token), "`data.json` was changed after"),
        (signed_files().replace("/extra/data.yaml", "n: 2\nt: x\n").signed_by(&token), "`extra/data.yaml` was changed"),
        (signed_files().replace("/.manifest", "{}").signed_by(&token), "`.manifest` was changed after"),
        (signed_files().file("b.rego", "package b").signed_by(&token), "`b.rego` is not signed"),
        (signed_files().file("README", "x").signed_by(&token), "`README` is not signed"),
        (signed_files().without("/app/a.rego").signed_by(&token), "`app/a.rego` is signed, but not in the bundle"),
        (signed_files().file(".signatures.json", "{\"signatures\":[]}"), "must hold exactly one signature, it holds 0"),
        (signed_files().signed_by("x.y.z"), "it is not a JWT"),
        (signed_files().signed_by(&token[1..]), "it is not a JWT"),
        (signed_files().signed_by(&Signer::ecdsa().token(signed_files())), "not made by the configured key"),
        (
            signed_files().signed_by(&Signer::rsa().token(signed_files())),
            "it is signed by `RS256`, the configured key verifies ES256",
        ),
        (signed_files().signed_by(&signer.token_with(signed_files(), "none", "", "SHA-256")), "it is signed by `none`"),
        (
            signed_files().signed_by(&signer.token_with(signed_files(), "HS256", "", "SHA-256")),
            "it is signed by `HS256`",
        ),
        (
            signed_files().signed_by(&signer.token_with(signed_files(), "ES256", "write", "SHA-256")),
            "limited to the scope `write`",
        ),
        (signed_files().signed_by(&signer.token_with(signed_files(), "ES256", "", "MD5")), "is hashed by `MD5`"),
    ] {
        let message = with(packed);
        assert!(message.starts_with("signature: ") && message.contains(says), "{message}");
    }
    let tampered = format!("{}A{}", &token[..token.len() - 10], &token[token.len() - 9..]);
    let message = with(signed_files().signed_by(&tampered));
    assert!(message.contains("not made by the configured key") || message.contains("not a JWT"), "{message}");
}

#[test]
fn only_public_keys_of_known_kinds_verify() {
    for pem in
        ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", Signer::ecdsa().private_key()]
    {
        let error = VerificationKey::from_pem(pem.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("must be a public one") && !error.contains("AAAA"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_signature_of_strangers_is_refused(token in "[A-Za-z0-9_.-]{0,80}", text in ".{0,80}") {
        let signer = Signer::ecdsa_fixed();
        prop_assert!(verify(&signed_files().signed_by(&token), signer.public_key()).is_err());
        prop_assert!(verify(&signed_files().file(".signatures.json", &text), signer.public_key()).is_err());
    }
}
