//! A call's way, step by step, as a caller takes it: DNS, connection, TLS, certificate, policy, upstream.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use policy::Timestamp;
use rustls::AlertDescription;
use serde_json::Value;

use super::check::{Checked, Examination, Finding, is_late};
use super::dns;
use super::tls::{self, Handshake};
use crate::certificates;
use crate::cli::CallOptions;
use crate::output;

/// In the order in which a call comes to them.
const STEPS: [&str; 6] = ["dns", "connection", "tls", "certificate", "policy", "upstream"];
const WITHIN: Duration = Duration::from_secs(30);
const LARGEST: usize = 1024 * 1024;

/// What came back.
struct Answer {
    status: StatusCode,
    body: Value,
}

/// How a request ended.
enum Ended {
    Answered(Answer),
    Refused(AlertDescription),
}

pub(super) async fn examine(options: &CallOptions, examination: &mut Examination) {
    let before = examination.checks.len();
    if let Some(host) = &options.host {
        steps(host, options, examination).await;
        let done = examination.checks.len().saturating_sub(before);
        examination.skip(STEPS.get(done..).unwrap_or_default(), "a step before it is red");
    } else {
        examination.skip(&STEPS, "no API is named; add `--host`");
    }
}

/// None as soon as the next step makes no sense.
async fn steps(host: &str, options: &CallOptions, examination: &mut Examination) -> Option<()> {
    let addresses = examination.check("dns", dns::check(host, options)).await?;
    let stream = examination.check("connection", tls::connect(&addresses)).await?;
    // A certificate that cannot be read is told of below; the server is looked at without it.
    let (config, unreadable) = match tls::config(options) {
        Ok(config) => (Ok(config), None),
        Err(error) => (tls::config(&CallOptions { certificate: None, key: None, ..options.clone() }), Some(error)),
    };
    let trusting = async {
        let config = config.map_err(|error| Finding::red(format!("{error:#}"), "give `--trust-anchors` a PEM file"))?;
        tls::check(host, config, stream).await
    };
    let handshake = examination.check("tls", trusting).await?;
    let certificate = async {
        let finding = match unreadable {
            Some(error) => return Err(unusable(&error)),
            None => own(options)?,
        };
        match request(host, &options.path, handshake).await? {
            Ended::Refused(alert) => Err(refused(alert)),
            Ended::Answered(answer) => match unauthorized(&answer) {
                Some(finding) => Err(finding),
                None => Ok((finding, answer)),
            },
        }
    };
    let answer = examination.check("certificate", certificate).await?;
    examination.check("policy", async { authorized(&answer, &options.path) }).await?;
    examination.simple("upstream", async { Ok(upstream(&answer)) }).await;
    Some(())
}

fn unusable(error: &anyhow::Error) -> Finding {
    Finding::red(format!("{error:#}"), "give `--certificate` and `--key` PEM files that belong together")
}

/// What can be said of the certificate without asking anybody.
fn own(options: &CallOptions) -> Result<Finding, Finding> {
    let Some(file) = &options.certificate else { return Ok(Finding::green("none is shown")) };
    let pem = std::fs::read_to_string(file).map_err(|error| unusable(&error.into()))?;
    let facts = certificates::facts(&pem).map_err(|error| unusable(&error.into()))?;
    let now = Timestamp::now();
    let renew = "have the certificate-rotator renew it, or `linkward certificates issue`";
    let (from, end) = (facts.not_before, facts.not_after);
    if end <= now {
        return Err(Finding::red(format!("expired {} ago", output::age(end, now)), renew));
    }
    if from > now {
        return Err(Finding::red(format!("valid from {from}"), "wait, or look at this machine's clock"));
    }
    if !facts.client_auth {
        return Err(Finding::red(
            "its extended key usage lacks clientAuth",
            "issue it by the template EndEntityClientAuthCertificate",
        ));
    }
    match facts.uris.as_slice() {
        [uri] if uri.starts_with("spiffe://") => {
            let found = format!("{uri}, good for {}", output::age(now, end));
            Ok(if is_late(from, end) { Finding::yellow(found, renew) } else { Finding::green(found) })
        }
        uris => Err(Finding::red(
            format!("it names {} URIs, and must name exactly one SPIFFE ID", uris.len()),
            "issue it with its identity as the only URI among the alternative names",
        )),
    }
}

async fn request(host: &str, path: &str, handshake: Handshake) -> Result<Ended, Finding> {
    let stream = match handshake {
        Handshake::Done(stream) => stream,
        Handshake::Refused(alert) => return Ok(Ended::Refused(alert)),
    };
    let failed = |error: String| {
        Finding::red(
            format!("no answer: {error}"),
            "look for `handshakeFailure` in the runtime's access log at this time",
        )
    };
    let call = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(*stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let driver = tokio::spawn(connection);
        let request = Request::get(path).header(http::header::HOST, host).body(Empty::<Bytes>::new());
        let request = request.map_err(|_| Finding::red(format!("`{path}` is no path"), "give `--path` one"))?;
        let response = match sender.send_request(request).await {
            Ok(response) => response,
            // TLS 1.3: the server's refusal comes after the client believes to be done, on either half.
            Err(error) => {
                let driven = driver.await.ok().and_then(Result::err);
                let told =
                    [Some(&error), driven.as_ref()].into_iter().flatten().find_map(|error| tls::tls_error(error));
                return match told {
                    Some(rustls::Error::AlertReceived(alert)) if tls::is_of_certificate(*alert) => {
                        Ok(Ended::Refused(*alert))
                    }
                    _ => Err(failed(error.to_string())),
                };
            }
        };
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await.map(|body| body.to_bytes());
        driver.abort();
        Ok(Ended::Answered(Answer {
            status,
            body: serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default(),
        }))
    };
    tokio::time::timeout(WITHIN, call).await.map_err(|_| failed(format!("{} s of silence", WITHIN.as_secs())))?
}

fn refused(alert: AlertDescription) -> Finding {
    use AlertDescription as Alert;
    let remedy = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => "show one: `--certificate` and `--key`",
        Alert::CertificateRevoked => "it was revoked: ask the provider why, then have a new one issued",
        Alert::CertificateExpired => "renew it; if it has not expired, look at the runtime's clock and CRL",
        Alert::UnknownCA => "it is of an authority the runtime does not trust: have it issued by the provider's",
        _ => "the runtime's access log has the cause, in `handshakeFailure`",
    };
    Finding::red(format!("the server refuses it: {alert:?}"), remedy)
}

fn reason(answer: &Answer) -> &str {
    answer.body.get("reason").and_then(Value::as_str).unwrap_or_default()
}

/// A 401 of the runtime's, which is about the certificate.
fn unauthorized(answer: &Answer) -> Option<Finding> {
    if answer.status != StatusCode::UNAUTHORIZED {
        return None;
    }
    let remedy = match reason(answer) {
        "certificateRevoked" => {
            "it is revoked or denied: ask the provider why; `linkward certificates restore` lifts a denial"
        }
        "certificateExpired" => "renew it",
        "certificateLifetimeTooLong" => "issue it for a shorter time, or raise `maxClientCertificateLifetime`",
        "badIdentity" => "issue it with exactly one SPIFFE ID of the runtime's trust domain",
        "noCertificate" => "show one: `--certificate` and `--key`",
        "crlStale" => "the runtime's CRL has ended; docs/runbooks/crl-ending.md",
        _ => "the runtime's access log has more, under the request id",
    };
    Some(Finding::red(format!("401 {}", reason(answer)), remedy))
}

/// Whether the policy let it pass.
fn authorized(answer: &Answer, path: &str) -> Checked<()> {
    let explain = format!("`linkward policy explain --path {path}` shows what would have had to match");
    let remedy = match (answer.status, reason(answer)) {
        (StatusCode::FORBIDDEN, "") | (StatusCode::BAD_REQUEST, _) => {
            "the path or the API refuses it; try another `--path`".to_owned()
        }
        (StatusCode::FORBIDDEN, "noMatchingCaller") => {
            "the policy names no such caller: add it to `callers`".to_owned()
        }
        (StatusCode::FORBIDDEN, "accountMismatch") => {
            "the caller is bound to other accounts than this endpoint's: add this one to its `accounts`".to_owned()
        }
        (StatusCode::FORBIDDEN, "endpointUnknown") => {
            "the inventory does not know this endpoint: `linkward endpoints sweep`; is the PROXY header on?".to_owned()
        }
        (StatusCode::FORBIDDEN, "grantExpired") => "extend the grant's `validUntil`, if that is meant".to_owned(),
        (StatusCode::FORBIDDEN, "policyStale" | "denyListStale") => {
            "the runtime cannot read its sources any more: `linkward doctor` from the provider's account".to_owned()
        }
        (StatusCode::FORBIDDEN, _) => explain,
        (status, _) => return Ok((Finding::green(format!("GET {path} is permitted ({})", status.as_u16())), ())),
    };
    Err(Finding::red(format!("{} {}", answer.status.as_u16(), reason(answer)), remedy))
}

fn upstream(answer: &Answer) -> Finding {
    match answer.status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Finding::red(
            format!("{}: the API behind the gate does not answer", answer.status.as_u16()),
            "look at the API, and at `upstream` in the runtime's configuration",
        ),
        StatusCode::SERVICE_UNAVAILABLE => {
            Finding::red("503: the runtime is overloaded or ending", "look at its connections and limits; add tasks")
        }
        status if status.is_server_error() => Finding::yellow(
            format!("the API answered {}", status.as_u16()),
            "that is the API's own; the gates are open",
        ),
        status => Finding::green(format!("the API answered {}", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;
    use serde_json::json;

    fn answer(status: u16, reason: &str) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body: json!({ "reason": reason }) }
    }

    #[test]
    fn each_denial_has_a_remedy_of_its_own() {
        let remedy = |reason: &str| authorized(&answer(403, reason), "/x").unwrap_err().remedy.unwrap();
        assert!(remedy("noMatchingCaller").contains("`callers`"));
        assert!(remedy("accountMismatch").contains("`accounts`"));
        assert!(remedy("endpointUnknown").contains("sweep"));
        assert!(remedy("noMatchingRule").contains("policy explain --path /x"));
        assert!(authorized(&answer(200, ""), "/x").is_ok() && authorized(&answer(404, ""), "/x").is_ok());
        assert!(unauthorized(&answer(401, "badIdentity")).unwrap().remedy.unwrap().contains("trust domain"));
        assert!(unauthorized(&answer(403, "forbidden")).is_none());
    }

    #[test]
    fn an_api_that_is_away_is_red_and_one_that_errs_is_its_own_matter() {
        let status = |code| upstream(&answer(code, "")).status;
        assert_eq!((status(200), status(404)), (Status::Green, Status::Green));
        assert_eq!((status(500), status(502), status(503)), (Status::Yellow, Status::Red, Status::Red));
    }
}
