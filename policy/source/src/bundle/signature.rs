//! `.signatures.json`: one JWT, signed by ES256 or RS256, that lists the hash of every file.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{BundleError, data, digest};

const FILE: &str = ".signatures.json";

/// The public key that bundles are signed by; P-256, or RSA of at least 2048 bits.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    algorithm: &'static str,
    key: ParsedPublicKey,
}

/// Why a text is no [`VerificationKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key that verifies bundles must be a public one, P-256 or RSA of 2048 bits or more, in PEM (`BEGIN PUBLIC KEY`); \
     write it with `openssl pkey -in key.pem -pubout`"
)]
pub struct VerificationKeyError;

impl VerificationKey {
    /// Of a PEM file's content.
    ///
    /// # Errors
    /// It is another kind of key, or none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, VerificationKeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| VerificationKeyError)?;
        let ecdsa = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &der).map(|key| Self { algorithm: "ES256", key });
        let rsa = || ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der);
        ecdsa.or_else(|_| Ok(Self { algorithm: "RS256", key: rsa().map_err(|_| VerificationKeyError)? }))
    }
}

#[derive(Deserialize)]
struct Signatures {
    #[serde(default)]
    signatures: Vec<String>,
    #[serde(default)]
    plugin: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Payload {
    files: Vec<SignedFile>,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct SignedFile {
    name: String,
    hash: String,
    algorithm: String,
}

/// Whether a bundle has a signature at all.
pub(super) fn is_signed(files: &BTreeMap<String, &[u8]>) -> bool {
    files.contains_key(FILE)
}

/// Checks the signature, and that it is one of exactly these files.
pub(super) fn verify(files: &BTreeMap<String, &[u8]>, key: &VerificationKey) -> Result<(), BundleError> {
    verified(files, key).map_err(BundleError::Signature)
}

fn verified(files: &BTreeMap<String, &[u8]>, key: &VerificationKey) -> Result<(), String> {
    let signatures = files.get(FILE).ok_or("there is no .signatures.json; sign with `opa build --signing-key`")?;
    let signatures: Signatures = serde_json::from_slice(signatures).map_err(|error| format!("{FILE}: {error}"))?;
    if !matches!(signatures.plugin.as_str(), "" | "_default") {
        return Err(format!("{FILE} is for the plugin `{}`; sign without a plugin", signatures.plugin));
    }
    let [token] = signatures.signatures.as_slice() else {
        return Err(format!("{FILE} must hold exactly one signature, it holds {}", signatures.signatures.len()));
    };
    let payload = payload(token, key)?;
    if !payload.scope.is_empty() {
        return Err(format!("it is limited to the scope `{}`; sign without a scope", payload.scope));
    }
    let mut unsigned = files.clone();
    unsigned.remove(FILE);
    for file in &payload.files {
        let name = file.name.trim_start_matches('/');
        let content = unsigned.remove(name).ok_or_else(|| format!("`{name}` is signed, but not in the bundle"))?;
        check(file, name, content)?;
    }
    match unsigned.keys().next() {
        Some(name) => Err(format!("`{name}` is not signed; sign the bundle anew")),
        None => Ok(()),
    }
}

/// The verified content of a JWT (RFC 7515, compact).
fn payload(token: &str, key: &VerificationKey) -> Result<Payload, String> {
    let malformed = || "it is not a JWT".to_owned();
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| malformed());
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
    // The key says how it signs, never the token.
    if header.alg != key.algorithm || header.crit.is_some() {
        return Err(format!("it is signed by `{}`, the configured key verifies {}", header.alg, key.algorithm));
    }
    let wrong = |_| "it was not made by the configured key, or was changed since".to_owned();
    key.key.verify_sig(signed.as_bytes(), &decode(signature)?).map_err(wrong)?;
    serde_json::from_slice(&decode(payload)?).map_err(|error| format!("its payload: {error}"))
}

fn check(file: &SignedFile, name: &str, content: &[u8]) -> Result<(), String> {
    if file.algorithm != "SHA-256" {
        return Err(format!("`{name}` is hashed by `{}`; only SHA-256 is taken", file.algorithm));
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    let hash = match base {
        "data.json" | ".manifest" => digest::of_json(content),
        "data.yaml" => data::from_yaml(name, content)
            .map_err(|error| error.to_string())
            .and_then(|value| digest::of_json(value.to_string().as_bytes())),
        _ => Ok(Sha256::digest(content).into()),
    };
    let hash = hash.map_err(|cause| format!("`{name}`: {cause}"))?;
    match HEXLOWER_PERMISSIVE.decode(file.hash.as_bytes()).is_ok_and(|signed| signed == hash) {
        true => Ok(()),
        false => Err(format!("`{name}` was changed after it was signed")),
    }
}
