//! An object in S3: one signed GET. The whole SDK of S3 would be the largest part of every binary here.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_types::service_config::ServiceConfigKey;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Bytes;

use super::web::{Web, answered_at, question, read};
use super::{Answer, Bound, RemoteError, RemoteUri, Validator};
use crate::error::with_causes;

/// Credentials that expire sooner are asked for anew.
const MARGIN: Duration = Duration::from_secs(300);
/// Of an error's body, which is short.
const ERROR: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Object {
    web: Web,
    sdk: SdkConfig,
    bucket: String,
    key: String,
    credentials: Option<Credentials>,
}

impl Object {
    pub(super) fn new(bucket: &str, key: &str, sdk: &SdkConfig, named: &RemoteUri) -> Result<Self, RemoteError> {
        let (web, sdk) = (Web::new(named)?, crate::sdk::bounded(sdk));
        Ok(Self { web, sdk, bucket: bucket.to_owned(), key: key.to_owned(), credentials: None })
    }

    pub(super) async fn get(&mut self, known: Option<&Validator>, bound: &Bound) -> Result<Answer, RemoteError> {
        let request = self.request(known, bound).await?;
        let response = self.web.send(request, bound).await?;
        let at = answered_at(response.headers());
        match response.status() {
            StatusCode::OK => Ok(Answer { at, object: Some(read(response, bound).await?) }),
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Answer { at, object: None }),
            status => {
                self.credentials = None;
                let elsewhere = response.headers().get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
                let region = elsewhere.map(|region| format!(", the bucket is in {region}")).unwrap_or_default();
                let said = read(response, &Bound { name: String::new(), limit: ERROR }).await;
                let code = said.ok().and_then(|said| code(&said.bytes)).unwrap_or_default();
                let status = status.as_u16();
                let cause = format!("S3 answered {status} {code}{region}");
                Err(RemoteError::S3 { name: bound.name.clone(), status: Some(status), cause })
            }
        }
    }

    async fn request(&mut self, known: Option<&Validator>, bound: &Bound) -> Result<Request<Full<Bytes>>, RemoteError> {
        let refused = |cause: String| RemoteError::S3 { name: bound.name.clone(), status: None, cause };
        let region = self.sdk.region().map(|region| region.as_ref().to_owned());
        let region = region.ok_or_else(|| refused("no AWS Region is configured; set AWS_REGION".to_owned()))?;
        let address = address(&self.sdk, &region, &self.bucket, &self.key);
        let uri: Uri = address.parse().map_err(|_| refused(format!("`{address}` is not an address")))?;
        let mut request = question(&uri, known, bound)?;
        let credentials = self.credentials().await.map_err(refused)?;
        signed(&mut request, credentials, &region).map_err(refused)?;
        Ok(request)
    }

    async fn credentials(&mut self) -> Result<Credentials, String> {
        let lasting = |credentials: &Credentials| credentials.expiry().is_none_or(|expiry| expiry > now() + MARGIN);
        if let Some(credentials) = self.credentials.clone().filter(lasting) {
            return Ok(credentials);
        }
        let provider = self.sdk.credentials_provider().ok_or("no AWS credentials are configured")?;
        let credentials = provider.provide_credentials().await.map_err(|error| with_causes(&error))?;
        self.credentials = Some(credentials.clone());
        Ok(credentials)
    }
}

/// As the SDKs find it: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or the Region's own, by the bucket's name unless a dot
/// in it would not fit the certificate.
fn address(sdk: &SdkConfig, region: &str, bucket: &str, key: &str) -> String {
    let key = encoded(key);
    if let Some(endpoint) = endpoint_url(sdk) {
        return format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/'));
    }
    let fips = if sdk.use_fips() == Some(true) { "-fips" } else { "" };
    let dual_stack = sdk.use_dual_stack() == Some(true);
    let dual = if dual_stack { ".dualstack" } else { "" };
    let host = format!("s3{fips}{dual}.{region}.{}", suffix(region));
    match bucket.contains('.') {
        true => format!("https://{host}/{bucket}/{key}"),
        false => format!("https://{bucket}.{host}/{key}"),
    }
}

fn endpoint_url(sdk: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = key.ok().and_then(|key| sdk.service_config()?.load_config(key));
    own.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

/// Of AWS's partitions: <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn suffix(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

/// Everything but unreserved characters and the slash, as the signature wants it.
fn encoded(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
fn signed(request: &mut Request<Full<Bytes>>, credentials: Credentials, region: &str) -> Result<(), String> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(now())
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let uri = request.uri().to_string();
    let signable = SignableRequest::new("GET", &uri, std::iter::empty(), SignableBody::Bytes(&[]));
    let signature = signable.and_then(|signable| sign(signable, &parameters)).map_err(|error| error.to_string())?;
    signature.into_parts().0.apply_to_request_http1x(request);
    Ok(())
}

fn now() -> SystemTime {
    let since = policy::Timestamp::now().as_second();
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(since).unwrap_or(0))
}

/// `<Code>` of an error.
fn code(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    code.chars().all(|c| c.is_ascii_alphanumeric()).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};

    use super::*;

    fn sdk() -> aws_config::SdkConfig {
        SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1")).build()
    }

    #[test]
    fn an_object_is_addressed_as_the_sdks_do() {
        let sdk = sdk();
        let at = |region, bucket| address(&sdk, region, bucket, "crl/a b+ü.crl");
        assert_eq!(at("eu-west-1", "crls"), "https://crls.s3.eu-west-1.amazonaws.com/crl/a%20b%2B%C3%BC.crl");
        assert_eq!(at("eu-west-1", "my.crls"), "https://s3.eu-west-1.amazonaws.com/my.crls/crl/a%20b%2B%C3%BC.crl");
        assert!(at("cn-north-1", "crls").starts_with("https://crls.s3.cn-north-1.amazonaws.com.cn/"));
        let fips = sdk.to_builder().use_fips(true).use_dual_stack(true).build();
        assert_eq!(address(&fips, "us-east-1", "b", "k"), "https://b.s3-fips.dualstack.us-east-1.amazonaws.com/k");
        let local = sdk.to_builder().endpoint_url("http://127.0.0.1:4566/").build();
        assert_eq!(address(&local, "eu-west-1", "crls", "k"), "http://127.0.0.1:4566/crls/k");
    }

    #[test]
    fn a_request_carries_a_signature_with_date_payload_and_session() {
        let bound = Bound { name: String::new(), limit: 0 };
        let uri = Uri::from_static("https://examplebucket.s3.us-east-1.amazonaws.com/test.txt");
        let mut request = question(&uri, None, &bound).unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session".to_owned()), None, "test");
        signed(&mut request, credentials, "us-east-1").unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let authorization = header("authorization");
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/us-east-1/s3/aws4_request"), "{authorization}");
        assert!(authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((header("x-amz-content-sha256"), header("x-amz-security-token")), (empty.into(), "session".into()));
    }

    #[test]
    fn the_code_of_an_error_is_read_and_nothing_else() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Key>k</Key></Error>";
        assert_eq!(code(body).as_deref(), Some("NoSuchKey"));
        assert_eq!(code(b"<Code>\"quoted\"</Code>"), None);
        assert_eq!(code(b"no XML"), None);
    }
}
