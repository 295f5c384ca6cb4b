//! Makes bundles, byte for byte as `opa build` and `tar` would, or as nobody should.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "test code, each user needs a part")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// A bundle to be.
#[derive(Clone, Default)]
pub struct Packed(Vec<(Header, String, Vec<u8>)>);

impl Packed {
    pub fn file(self, path: &str, content: &str) -> Self {
        self.raw(path, EntryType::Regular, content.as_bytes())
    }

    pub fn folder(self, path: &str) -> Self {
        self.raw(path, EntryType::Directory, b"")
    }

    /// With the path as it is, whatever it is.
    pub fn raw(self, path: &str, kind: EntryType, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.entry(header, path, content)
    }

    pub fn link(self, path: &str, target: &str, kind: EntryType) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name(target).unwrap();
        self.entry(header, path, b"")
    }

    fn entry(mut self, header: Header, path: &str, content: &[u8]) -> Self {
        self.0.push((header, path.to_owned(), content.to_vec()));
        self
    }

    pub fn without(mut self, path: &str) -> Self {
        self.0.retain(|(_, name, _)| name != path);
        self
    }

    pub fn replace(self, path: &str, content: &str) -> Self {
        self.without(path).file(path, content)
    }

    pub fn signed_by(self, token: &str) -> Self {
        self.file("/.signatures.json", &json!({ "signatures": [token] }).to_string())
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (header, path, content) in &self.0 {
            let mut header = header.clone();
            let name = &mut header.as_old_mut().name;
            if path.len() < name.len() {
                // `set_path` would not take what an attacker writes.
                name[..path.len()].copy_from_slice(path.as_bytes());
                header.set_cksum();
                builder.append(&header, content.as_slice()).unwrap();
            } else {
                let mut long = Header::new_gnu();
                long.set_entry_type(EntryType::GNULongName);
                long.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
                long.set_size(path.len() as u64 + 1);
                long.set_cksum();
                builder.append(&long, [path.as_bytes(), b"\0"].concat().as_slice()).unwrap();
                name_of(&mut header, "long");
                header.set_cksum();
                builder.append(&header, content.as_slice()).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    /// `.tar.gz`.
    pub fn archive(&self) -> Vec<u8> {
        gzip(&self.tar())
    }
}

fn name_of(header: &mut Header, name: &str) {
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Who signs bundles.
pub struct Signer {
    key: Key,
    public_key: String,
    private_key: String,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    pub fn ecdsa() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let (public_key, private_key) =
            (pem("PUBLIC KEY", public.as_ref()), pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()));
        Self { key: Key::Ecdsa(pair), public_key, private_key }
    }

    /// One for all tests that need no key of their own.
    pub fn ecdsa_fixed() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(Self::ecdsa)
    }

    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let (public_key, private_key) = (pem("PUBLIC KEY", public.as_ref()), pem("PRIVATE KEY", private.as_ref()));
        Self { key: Key::Rsa(pair), public_key, private_key }
    }

    pub fn public_key(&self) -> &[u8] {
        self.public_key.as_bytes()
    }

    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    pub fn sign(&self, packed: Packed) -> Packed {
        let token = self.token(packed.clone());
        packed.signed_by(&token)
    }

    /// As `opa sign` makes it.
    pub fn token(&self, packed: Packed) -> String {
        let algorithm = if matches!(self.key, Key::Ecdsa(_)) { "ES256" } else { "RS256" };
        self.token_with(packed, algorithm, "", "SHA-256")
    }

    pub fn token_with(&self, packed: Packed, algorithm: &str, scope: &str, hash: &str) -> String {
        let files: Vec<Value> = packed
            .0
            .iter()
            .map(|(_, path, content)| {
                let name = path.trim_start_matches('/');
                json!({ "name": name, "hash": HEXLOWER.encode(&digest(name, content)), "algorithm": hash })
            })
            .collect();
        let mut payload = json!({ "files": files, "iat": 1_592_248_027, "iss": "JWTService", "keyid": "global_key" });
        if !scope.is_empty() {
            payload["scope"] = json!(scope);
        }
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(json!({ "alg": algorithm, "kid": "global_key" })), part(payload));
        let signature = match &self.key {
            Key::Ecdsa(pair) => pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

/// What OPA hashes: the structure of JSON and YAML, written anew; here with values whose numbers stay as they were.
fn digest(name: &str, content: &[u8]) -> Vec<u8> {
    let structure = match (name.rsplit('/').next().unwrap(), str::from_utf8(content)) {
        ("data.json", Ok("{ \"b\": 1.0,\n\"a\": [1e3, \"<é>\"] }")) => "{\"a\":[1e3,\"<é>\"],\"b\":1.0}".to_owned(),
        ("data.json" | ".manifest", Ok(text)) => serde_json::from_str::<Value>(text).unwrap().to_string(),
        ("data.yaml", Ok(text)) => {
            let mut json = String::from("{");
            for (index, (key, value)) in text.lines().filter_map(|line| line.split_once(": ")).enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let value = if value.parse::<u8>().is_ok() { value.to_owned() } else { format!("\"{value}\"") };
                write!(json, "{comma}\"{key}\":{value}").unwrap();
            }
            json + "}"
        }
        _ => return Sha256::digest(content).to_vec(),
    };
    Sha256::digest(structure).to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
}
