use std::time::Duration;

use policy_source::bundle::BundleSettings;
use policy_source::{BundleUri, SourceUri};

use super::*;

const LEAST: &str = "
tls: { certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt }
identity: { trustDomain: internal.example }
policy: { source: \"file:access.yaml\" }
";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "runtime.yaml", Path::new("/etc/linkward"))
}

fn with(more: &str) -> Result<Config, ConfigError> {
    parse(&format!("{LEAST}{more}\n"))
}

fn refusal(more: &str) -> String {
    with(more).unwrap_err().to_string()
}

#[test]
fn the_least_configuration_has_the_documented_defaults() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:8443");
    assert_eq!(config.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.health_listen, None);
    assert_eq!(config.proxy_protocol, ProxyProtocol::Off);
    assert_eq!((config.tls.crl_expiry, config.tls.client_auth), (CrlExpiry::Enforce, ClientAuth::Required));
    assert_eq!((config.tls.min_version, config.tls.refresh), (MinVersion::Tls13, Duration::from_secs(10)));
    assert_eq!(config.tls.max_client_certificate_lifetime, None);
    assert_eq!((config.identity.common_name, config.identity.max_endpoints), (None, 4));
    assert_eq!((config.policy.mode, config.policy.refresh), (Mode::Enforce, Duration::from_secs(15)));
    assert_eq!(config.policy.max_staleness, Duration::from_secs(3600));
    assert_eq!(config.limits.idle_timeout, Duration::from_secs(340));
    assert_eq!(config.telemetry.access_log, AccessLog::Stdout);
    assert!(config.deny_list.is_none() && config.endpoints.is_none() && config.upstream.is_none());
}

#[test]
fn every_key_of_the_design_is_known() {
    let config = parse(
        r#"
listen: 0.0.0.0:8443
adminListen: 127.0.0.1:8081
healthListen: 0.0.0.0:8080
proxyProtocol: { mode: required, from: [10.0.0.0/16] }
tls:
  certificateChain: server.crt
  privateKey: server.key
  clientTrustAnchors: ca.crt
  crls: [ca.crl]
  crlExpiry: ignore
  refresh: 20s
  minVersion: "1.2"
  clientAuth: optional
  maxClientCertificateLifetime: 30d
identity: { trustDomain: internal.example, commonName: "svc.{name}.{env}", maxEndpoints: 8 }
policy: { source: file:access.yaml, refresh: 5s, maxStaleness: 2h, mode: audit }
denyList: { source: "file:deny.yaml", refresh: 500ms, maxStaleness: 1h }
endpoints: { source: "dynamodb:TABLE", refresh: 10s, maxStaleness: 1h }
upstream: http://127.0.0.1:9000
limits: { connections: 10000, connectionsPerEndpoint: 2000, handshakes: 256, handshakeTimeout: 5s, headerTimeout: 10s,
          requestTimeout: 30s, headerBytes: 65536, bodyBytes: 10485760, connectionAge: 1h, idleTimeout: 340s, drain: 20s }
telemetry: { accessLog: access.log, emf: stdout, otlpEndpoint: "http://127.0.0.1:4318", traceSampling: 0.5,
             serviceName: invoices, metricsInterval: 60s }
"#,
    )
    .unwrap();
    assert_eq!(config.proxy_protocol, ProxyProtocol::Required { from: vec!["10.0.0.0/16".parse().unwrap()] });
    assert_eq!((config.tls.min_version, config.tls.client_auth), (MinVersion::Tls12, ClientAuth::Optional));
    assert_eq!(config.deny_list.unwrap().refresh, Duration::from_millis(500));
    assert_eq!(config.endpoints.unwrap().source, SourceUri::DynamoDb("TABLE".to_owned()));
    assert_eq!(config.policy.mode, Mode::Audit);
    assert_eq!((config.telemetry.emf, config.telemetry.trace_sampling), (Emf::Stdout, 0.5));
    let collector = config.telemetry.otlp_endpoint.unwrap();
    assert_eq!(collector.signal("metrics"), "http://127.0.0.1:4318/v1/metrics");
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let config = parse(
        "
tls: { certificateChain: server.crt, privateKey: /keys/server.key, clientTrustAnchors: ../ca.crt, crls: [a.crl, /b.crl] }
identity: { trustDomain: internal.example }
policy: { source: \"file:access.yaml\" }
denyList: { source: \"file:/deny.yaml\" }
endpoints: { source: \"file:endpoints.json\" }
telemetry: { accessLog: access.log }
",
    )
    .unwrap();
    let file = |path: &str| SourceUri::File(PathBuf::from(path));
    assert_eq!(config.tls.certificate_chain, OwnPart::File("/etc/linkward/server.crt".into()));
    assert_eq!(config.tls.private_key, OwnPart::File("/keys/server.key".into()));
    assert_eq!(config.tls.client_trust_anchors, Path::new("/etc/linkward/../ca.crt"));
    assert_eq!(config.tls.crls, ["/etc/linkward/a.crl", "/b.crl"].map(|path| CrlPart::File(path.into())));
    assert_eq!(config.policy.source, file("/etc/linkward/access.yaml"));
    assert_eq!(config.deny_list.unwrap().source, file("/deny.yaml"));
    assert_eq!(config.endpoints.unwrap().source, file("/etc/linkward/endpoints.json"));
    assert_eq!(config.telemetry.access_log, AccessLog::File("/etc/linkward/access.log".into()));
}

#[test]
fn a_group_or_value_left_empty_is_as_if_it_were_not_there() {
    let config = with("limits:\ntelemetry:\nupstream:\nhealthListen:\ndenyList:\nendpoints:\nproxyProtocol:").unwrap();
    assert_eq!(config.limits.connections, 10_000);
    assert!(config.deny_list.is_none() && config.upstream.is_none() && config.health_listen.is_none());
}

#[test]
fn off_is_off_with_and_without_quotes() {
    for off in ["off", "\"off\"", "Off", "false"] {
        let config = with(&format!("proxyProtocol: {off}"));
        assert_eq!(config.unwrap().proxy_protocol, ProxyProtocol::Off, "{off}");
    }
    let text = LEAST.replace("internal.example }", "internal.example, commonName: off }");
    assert_eq!(parse(&text).unwrap().identity.common_name, None);
    assert_eq!(with("telemetry: { accessLog: off }").unwrap().telemetry.access_log, AccessLog::Off);
}

#[test]
fn json_is_a_configuration_too() {
    let text = r#"{"tls":{"certificateChain":"a","privateKey":"b","clientTrustAnchors":"c","minVersion":"1.3"},
        "identity":{"trustDomain":"internal.example"},"policy":{"source":"file:p.json"},"proxyProtocol":"required"}"#;
    let config = Config::load(None, Some(text)).unwrap();
    assert_eq!(config.proxy_protocol, ProxyProtocol::Required { from: Vec::new() });
    assert_eq!(config.tls.certificate_chain, OwnPart::File("a".into()));
}

#[test]
fn a_refusal_says_where_and_what_to_write_instead() {
    for (more, place, says) in [
        ("listne: 0.0.0.0:1", "5:1", "unknown key `listne`; did you mean `listen`?"),
        ("ssl: {}", "5:1", "unknown key `ssl`; expected one of `listen`"),
        ("limits: { drian: 5s }", "5:11", "unknown key `drian`; did you mean `drain`?"),
        ("limits: { drain: 5 }", "5:", "`5` is not a duration"),
        ("limits: { connections: -1 }", "5:24", "expected a whole number"),
        ("listen: 8443", "5:", "`8443` is not an IP address and port"),
        ("listen: localhost:8443", "5:", "is not an IP address and port"),
        ("upstream: https://app:1", "5:", "TLS to the upstream is not supported"),
        ("proxyProtocol: on", "5:", "write `off` or `required`"),
        ("proxyProtocol: { mode: required, from: [] }", "5:", "`from` is empty"),
        ("proxyProtocol: { mode: off, from: [10.0.0.0/8] }", "5:", "`from` has no meaning"),
        ("proxyProtocol: { from: [10.0.0.0/8] }", "5:", "the key `mode` is missing"),
        ("proxyProtocol: { mode: required, from: [10.0.0.1/8] }", "5:", "`10.0.0.1/8` is not a network"),
        ("denyList: { source: \"s3:deny\" }", "5:", "`s3:` is not supported"),
        ("denyList: { refresh: 1s }", "5:", "the key `source` is missing"),
        ("telemetry: { accessLog: off, accessLog: off }", "5:", "accessLog"),
        ("tls: {}", "5:1", "tls"),
    ] {
        let error = refusal(more);
        assert!(error.starts_with(&format!("runtime.yaml:{place}")), "{more}: {error}");
        assert!(error.contains(says), "{more}: {error}");
    }
}

#[test]
fn a_value_outside_its_list_is_refused_with_the_list() {
    for (key, value) in
        [("crlExpiry", "never"), ("minVersion", "\"1.1\""), ("minVersion", "1.4"), ("clientAuth", "none")]
    {
        let text = LEAST.replace("ca.crt }", &format!("ca.crt, {key}: {value} }}"));
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains("unknown value"), "{key}: {error}");
    }
    let text = LEAST.replace("ca.crt }", "ca.crt, minVersion: 1.2 }");
    assert_eq!(parse(&text).unwrap().tls.min_version, MinVersion::Tls12);
    let text = LEAST.replace("internal.example }", "internal.example, commonName: \"{nam}\" }");
    assert!(parse(&text).unwrap_err().to_string().contains("is not a template"));
}

#[test]
fn telemetry_that_nobody_could_read_is_refused() {
    for (more, says) in [
        ("telemetry: { emf: yes }", "unknown value"),
        ("telemetry: { traceSampling: 1.5 }", "write a number from 0 to 1"),
        ("telemetry: { otlpEndpoint: \"https://a:4318\" }", "let a collector on this host pass it on"),
        ("telemetry: { metricsInterval: 0s }", "metricsInterval"),
        ("telemetry: { serviceName: \"\" }", "1 to 255 printable ASCII"),
        ("telemetry: { serviceName: \" \" }", "1 to 255 printable ASCII"),
        ("telemetry: { serviceName: \":invoices\" }", "the first of them no colon"),
        ("telemetry: { serviceName: rechnungen-für-alle }", "1 to 255 printable ASCII"),
    ] {
        assert!(refusal(more).contains(says), "{more}: {}", refusal(more));
    }
    let long = |length: usize| with(&format!("telemetry: {{ serviceName: {} }}", "a".repeat(length)));
    assert!(long(255).is_ok() && long(256).is_err());
}

#[test]
fn a_bundle_is_read_as_configured() {
    let bundle = |more: &str| parse(&LEAST.replace("\"file:access.yaml\"", &format!("\"bundle:b.tar.gz\"{more}")));
    let policy = bundle("").unwrap().policy;
    assert_eq!(policy.source, SourceUri::Bundle(BundleUri::File("/etc/linkward/b.tar.gz".into())));
    assert_eq!(policy.bundle.to_settings(), BundleSettings::default());
    let policy = bundle(", bundle: { verificationKey: key.pem, budget: 20ms, cacheDirectory: cache }").unwrap().policy;
    let expected = BundleSettings {
        verification_key: Some("/etc/linkward/key.pem".into()),
        budget: Duration::from_millis(20),
        cache_directory: Some("/etc/linkward/cache".into()),
    };
    assert_eq!(policy.bundle.to_settings(), expected);
    for (settings, says) in [
        ("{ budget: 0ms }", "`policy.bundle.budget` is 0ns; write 1ms to 1s"),
        ("{ budget: 2s }", "`policy.bundle.budget` is 2s; write 1ms to 1s"),
        ("{ key: k.pem }", "key"),
    ] {
        let error = bundle(&format!(", bundle: {settings}")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = refusal("denyList: { source: \"bundle:deny\" }\nendpoints: { source: \"bundle:b\" }");
    assert!(error.contains("`denyList.source`") && error.contains("`endpoints.source`"), "{error}");
}

#[test]
fn values_that_make_no_sense_together_are_all_named() {
    let error = refusal(
        "adminListen: 0.0.0.0:8443\nlimits: { handshakes: 0, idleTimeout: 0s, headerBytes: 100 }\n\
         denyList: { source: \"file:deny.yaml\", refresh: 1m, maxStaleness: 60s }",
    );
    for says in [
        "`listen` and `adminListen`",
        "limits.handshakes",
        "limits.idleTimeout",
        "limits.headerBytes",
        "denyList.maxStaleness",
    ] {
        assert!(error.contains(says), "{says}: {error}");
    }
    assert!(with("limits: { drain: 0s }").is_ok());
    for (endpoints, good) in [(0, false), (1, true), (63, true), (64, false)] {
        let limited = LEAST.replace(": internal.example", &format!(": a, maxEndpoints: {endpoints}"));
        assert_eq!(parse(&limited).is_ok(), good, "{endpoints}");
    }
    assert!(with("listen: 127.0.0.1:0\nadminListen: 127.0.0.1:0").is_ok());
}

#[test]
fn certificates_may_be_secrets_and_crls_behind_a_network() {
    let secret = "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:x";
    let text = LEAST.replace("server.crt", &format!("\"{secret}\"")).replace("server.key", &format!("\"{secret}\""));
    let text = text.replace("ca.crt }", "ca.crt, crls: [\"https://example/ca.crl\", \"s3://bucket/ca.crl\", ca.crl] }");
    let tls = parse(&text).unwrap().tls;
    assert_eq!((tls.certificate_chain.to_string(), tls.private_key), (secret.to_owned(), tls.certificate_chain));
    let crls: Vec<String> = tls.crls.iter().map(ToString::to_string).collect();
    assert_eq!(crls, ["https://example/ca.crl", "s3://bucket/ca.crl", "/etc/linkward/ca.crl"]);
    for (key, value, says) in [
        ("server.crt", "\"secretsmanager:a b\"", "names no secret"),
        ("server.crt", "\"https://example/server.crt\"", "`https:` cannot be used here"),
        ("server.key", "\"\"", "the path is empty"),
        ("ca.crt }", "\"s3://bucket/ca.crt\" }", "`s3:` cannot be used here; write the path of a file"),
        ("ca.crt }", "ca.crt, crls: [\"http://example/ca.crl\"] }", "is not encrypted; write `https://…`"),
        ("ca.crt }", "ca.crt, crls: [\"s3://bucket\"] }", "write `s3://BUCKET/KEY`"),
    ] {
        let error = parse(&LEAST.replace(key, value)).unwrap_err().to_string();
        assert!(error.contains(says), "{value}: {error}");
    }
}

#[test]
fn appconfig_may_be_the_source_of_the_policy_and_is_not_asked_every_second() {
    let text = LEAST.replace("file:access.yaml", "appconfig:linkward/prod/access-policy");
    assert_eq!(parse(&text).unwrap().policy.source.to_string(), "appconfig:linkward/prod/access-policy");
    let impatient = text.replace("prod/access-policy\"", "prod/access-policy\", refresh: 1s, maxStaleness: 15s");
    let error = parse(&impatient).unwrap_err().to_string();
    assert!(error.contains("`policy.maxStaleness` must be longer than 15s"), "{error}");
    assert!(parse(&impatient.replace("maxStaleness: 15s", "maxStaleness: 16s")).is_ok());
    let error = parse(&text.replace("linkward/prod", "linkward")).unwrap_err().to_string();
    assert!(error.contains("write `appconfig:APP/ENV/PROFILE`"), "{error}");
}

#[test]
fn a_missing_key_or_file_is_named() {
    assert!(parse("listen: 127.0.0.1:1").unwrap_err().to_string().contains("the key `tls` is missing"));
    assert!(parse("").is_err());
    assert!(Config::load(None, None).unwrap_err().to_string().contains("--config FILE"));
    let error = Config::load(Some(Path::new("/none/runtime.yaml")), Some(LEAST)).unwrap_err();
    assert!(error.to_string().contains("/none/runtime.yaml"), "{error}");
}
