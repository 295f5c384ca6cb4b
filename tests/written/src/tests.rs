use super::*;

/// Of each kind some, as they would be written.
const WRITTEN: &[(&str, &[&str])] = &[
    ("a planted secret", &["x=canary-Zx81q-1"]),
    ("a private key in PEM", &["-----BEGIN PRIVATE KEY-----", "\\n-----BEGIN EC PRIVATE KEY-----\\n"]),
    ("a certificate in PEM", &["-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"]),
    (
        "a private key of PKCS#8 in base64",
        &[
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBs",
            "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmi",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB",
        ],
    ),
    ("a private key of SEC 1 in base64", &["MHcCAQEEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnFoAoGCCqGSM49"]),
    (
        "a certificate or RSA key in base64",
        &[concat!(
            "MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkw",
            "FwYDVQQDExBBbWF6b24gUm9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQw"
        )],
    ),
    (
        "a certificate or key in hex",
        &["308201b63082015ba0030201020213066c9fd574973666 3f3b0b9ad9e89e7603f24a300a06082a8648ce3d040302"],
    ),
    ("a bearer token", &["Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30", "authorization: bearer 0123456789abcdef"]),
    (
        "credentials of basic authentication",
        &["authorization: Basic dXNlcjpwYXNz", "\"authorization\": \"Basic dXNlcjpwYXNz\""],
    ),
    ("a signature of AWS", &["AWS4-HMAC-SHA256 Credential=AKIA/2026"]),
    (
        "a session token of AWS",
        &["x-amz-security-token: IQoJb3JpZ2luX2VjEXAMPLE", "\"SessionToken\":\"IQoJb3JpZ2luX2VjEXAMPLE\""],
    ),
    (
        "a secret key of AWS",
        &["AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPx", "\"SecretAccessKey\":\"wJalrXUtnFEMIK7MDENGbPx\""],
    ),
];

#[test]
fn every_pattern_finds_its_secret() {
    assert_eq!(WRITTEN.len(), SECRETS.len());
    for ((name, pattern), (kind, samples)) in SECRETS.iter().zip(WRITTEN) {
        assert_eq!(name, kind);
        let pattern = Regex::new(pattern).expect(name);
        for sample in *samples {
            // The editors of this file break lines; those who leak do not.
            assert!(pattern.is_match(sample.replace("666 3f", "6663f").as_bytes()), "{name}: {sample}");
        }
    }
}

#[test]
fn what_a_log_should_say_is_no_secret() {
    let lines = [
        r#"{"event":"access","callerId":"spiffe://a/b","serialNumber":"3082abcd","policyRevision":"sha256:0123456789abcdef"}"#,
        "there is no certificate in it; it needs `-----BEGIN`",
        "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555",
        "unknown field `authorization`",
    ];
    for line in lines {
        assert_eq!(secret(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn a_secret_fails_the_test_that_wrote_it_and_is_not_repeated() {
    assert_eq!(secret(format!("all well\n{CANARY}-password\n").as_bytes()), Some(("a planted secret", 9)));
    let failed = std::panic::catch_unwind(|| check("a test of ours", format!("{}-BEGIN PRIVATE KEY-----", "----")));
    let message = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("a private key in PEM") && !message.contains("BEGIN"), "{message}");
    let kept = message.rsplit(' ').next().unwrap();
    assert!(std::fs::read(kept).unwrap().ends_with(b"KEY-----"), "it was kept");
    // Whoever searches the folder afterwards should not find what was written here on purpose.
    std::fs::remove_file(kept).unwrap();
}

#[test]
fn what_a_process_writes_is_kept_and_searched() {
    let sh = |script: &str| std::process::Command::new("sh").args(["-c", script]).output().unwrap();
    assert_eq!(output("a shell", sh("echo well; echo ill >&2")).stderr, b"ill\n");
    for stream in ["", ">&2"] {
        let told = sh(&format!("echo {CANARY} {stream}"));
        let failed = std::panic::catch_unwind(|| output("a shell", told)).unwrap_err();
        std::fs::remove_file(failed.downcast::<String>().unwrap().rsplit(' ').next().unwrap()).unwrap();
    }
}

#[test]
fn lines_are_kept_as_they_come_whatever_becomes_of_the_reader() {
    let mut lines = Lines::of("a server");
    let path = lines.path.clone();
    lines.keep("listening");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "listening\n");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lines.keep(CANARY))).unwrap_err();
    assert!(!failed.downcast::<String>().unwrap().contains(CANARY));
    assert!(std::fs::read_to_string(&path).unwrap().contains(CANARY), "the gate finds it, too");
    std::fs::remove_file(path).unwrap();
    let mut child = std::process::Command::new("sh");
    let child = child.args(["-c", "echo nobody reads this"]).stdout(file("a shell")).status().unwrap();
    assert!(child.success());
}

/// One list, in two languages.
#[test]
fn the_gate_searches_for_the_same() {
    let listed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/secrets")).unwrap();
    let patterns: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(patterns, SECRETS.iter().map(|(_, pattern)| *pattern).collect::<Vec<_>>());
}
