//! What is remembered of a request until its answer has gone out: then it is logged and counted, once, here.

use crate::access_log::{self, Line};
use crate::authorization::{self, Ruling};
use crate::body::{Body, BodyError};
use crate::connection::Connection;
use crate::idle::Idle;
use crate::meter::{Meter, Progress};
use crate::metrics;
use crate::outcome::Outcome;
use crate::recent::Denial;
use crate::request_id::{RequestId, Trace};
use crate::snapshots::Now;
use crate::spans::Span;
use crate::target::Seen;
use crate::unread::Unread;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Response, StatusCode, Uri, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use policy::access::Reason;
use policy::{AccountId, RequestPath};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The client left before the answer's head was there. Nobody is told; the log needs a word for it, and this is the
/// one that logs know.
const CLIENT_LEFT: u16 = 499;

/// When and under which names a request came.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) now: Now,
    pub(crate) id: RequestId,
    pub(crate) trace: Trace,
}

impl Arrival {
    pub(crate) fn now(seen: &Seen<'_>) -> Self {
        let (id, trace) = (RequestId::of(seen.request_id.value()), Trace::of(seen.trace_parent.value()));
        Self { now: Now::read(), id, trace }
    }
}

/// A request, from its head to the last byte of its answer. One that is dropped before was given up by the client.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) connection: Arc<Connection>,
    pub(crate) arrival: Arrival,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) host: Option<HeaderValue>,
    pub(crate) account: Option<AccountId>,
    pub(crate) ruling: Option<Ruling>,
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) upstream: Option<Duration>,
    pub(crate) status: u16,
    /// Whether the connection counts it as in flight.
    pub(crate) in_flight: bool,
    pub(crate) finished: bool,
}

impl Record {
    /// Why the policy in force would deny this request if it came now; `None` where it permits it or is not asked.
    pub(crate) fn denied_by_policy(&self, now: Now) -> Option<Reason> {
        let connection = &self.connection;
        let path = RequestPath::parse(self.uri.path()).ok()?;
        let account = connection.endpoint().and_then(|endpoint| connection.gate().snapshots.account(endpoint, now));
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        let ruling = authorization::authorize(connection, account, self.method.as_str(), &path, host, now).err()?;
        ruling.revision.is_some().then_some(ruling.reason)
    }

    /// Notes the answer. If it is all at hand, the record is complete with it: see [`Record::answered`] otherwise.
    pub(crate) fn note(&mut self, answer: &mut Response<Body>) -> bool {
        self.status = answer.status().as_u16();
        if self.connection.is_ending() && !self.connection.is_http2() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let Some(bytes) = answer.body().len_at_hand() else { return false };
        self.finish(self.bytes_in(), if self.method == Method::HEAD { 0 } else { bytes });
        true
    }

    /// Notes the answer; one that comes piece by piece takes the record with it.
    pub(crate) fn answered(mut self, mut answer: Response<Body>) -> Response<Body> {
        if self.note(&mut answer) {
            return answer;
        }
        let idle = Idle::new(self.connection.gate().config.limits.idle_timeout);
        answer.map(|body| Body::boxed(Recorded { body, idle, record: self, bytes: 0, unread: None }))
    }

    /// The request was answered with an upgrade that is over.
    pub(crate) fn finish_tunnel(&mut self, bytes_in: u64, bytes_out: u64) {
        let agreed = if self.connection.is_http2() { StatusCode::OK } else { StatusCode::SWITCHING_PROTOCOLS };
        self.status = agreed.as_u16();
        self.finish(bytes_in, bytes_out);
    }

    fn bytes_in(&self) -> u64 {
        self.meter.as_ref().map_or(0, |meter| meter.bytes())
    }

    fn finish(&mut self, bytes_in: u64, bytes_out: u64) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let now = Instant::now();
        let activity = &self.connection.activity;
        if self.meter.as_ref().is_some_and(|meter| meter.progress() == Progress::Complete) {
            activity.leaves_unread(false);
        }
        if self.in_flight {
            activity.end(now)
        } else {
            activity.answered(now)
        }
        let latency = now.saturating_duration_since(self.arrival.now.steady);
        self.count(latency);
        if let Some(log) = &self.connection.gate().log {
            log.line(|out| access_log::access(out, &self.line(latency, bytes_in, bytes_out)));
        }
        if let Some(spans) = &self.connection.gate().spans {
            spans.put(&self.arrival.trace, self.outcome(), || self.span(latency));
        }
        if self.outcome() != Outcome::Allow
            && let Some(ruling) = &self.ruling
        {
            self.connection.gate().denials.keep(|| self.denial(ruling));
            if ruling.outcome == Outcome::AuditDeny {
                self.connection.gate().audit.count(self.connection.caller_id().unwrap_or("-"), ruling.reason);
            }
        }
    }

    fn outcome(&self) -> Outcome {
        self.ruling.as_ref().map_or(Outcome::Deny, |ruling| ruling.outcome)
    }

    fn count(&self, latency: Duration) {
        let names_caller = self.ruling.as_ref().is_some_and(Ruling::names_caller);
        self.connection.gate().metrics.request(metrics::Request {
            outcome: self.outcome(),
            reason: self.ruling.as_ref().map(|ruling| ruling.reason),
            status: self.status,
            latency,
            upstream: self.upstream,
            caller: self.connection.caller_slot(names_caller),
        });
    }

    fn line(&self, latency: Duration, bytes_in: u64, bytes_out: u64) -> Line<'_> {
        let ruling = self.ruling.as_ref();
        Line {
            at: self.arrival.now.at,
            connection: self.connection.log_fields(),
            request_id: self.arrival.id.as_bytes(),
            trace_id: self.arrival.trace.as_bytes(),
            account: self.account.as_ref().map(AccountId::as_str),
            method: self.method.as_str(),
            path: self.uri.path(),
            host: self.host.as_ref().map(HeaderValue::as_bytes),
            http_version: version(self.version),
            status: self.status,
            outcome: self.outcome(),
            reason: ruling.map(|ruling| ruling.reason.as_str()),
            rule: ruling.and_then(|ruling| ruling.rule.as_ref()).map(policy::RuleId::as_str),
            revision: ruling.and_then(|ruling| ruling.revision.as_ref()).map(policy::Revision::as_str),
            latency,
            upstream: self.upstream,
            bytes_in,
            bytes_out,
        }
    }

    fn span(&self, latency: Duration) -> Span {
        let (connection, ruling) = (&self.connection, self.ruling.as_ref());
        let texts = [
            ("url.path", Some(self.uri.path())),
            ("network.protocol.version", Some(version(self.version))),
            ("linkward.request.id", Some(self.arrival.id.as_str())),
            ("linkward.caller", connection.caller_id()),
            ("linkward.endpoint", connection.endpoint().map(policy::VpcEndpointId::as_str)),
            ("linkward.account", self.account.as_ref().map(AccountId::as_str)),
            ("linkward.decision", Some(self.outcome().as_str())),
            ("linkward.reason", ruling.map(|ruling| ruling.reason.as_str())),
            ("linkward.rule", ruling.and_then(|ruling| ruling.rule.as_ref()).map(policy::RuleId::as_str)),
            (
                "linkward.policy.revision",
                ruling.and_then(|ruling| ruling.revision.as_ref()).map(policy::Revision::as_str),
            ),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        Span {
            trace: self.arrival.trace,
            at: self.arrival.now.at,
            latency,
            upstream: self.upstream,
            status: self.status,
            method: self.method.to_string(),
            texts,
        }
    }

    #[cold]
    fn denial(&self, ruling: &Ruling) -> Denial {
        Denial {
            at: self.arrival.now.at,
            caller: self.connection.caller_id().map(str::to_owned),
            endpoint: self.connection.endpoint().map(ToString::to_string),
            method: self.method.to_string(),
            path: self.uri.path().to_owned(),
            reason: ruling.reason,
            audit: ruling.outcome == Outcome::AuditDeny,
            request_id: self.arrival.id.as_str().to_owned(),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.finished {
            self.status = CLIENT_LEFT;
            self.finish(self.bytes_in(), 0);
        }
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// The body of an answer that comes piece by piece, with the record of its request.
struct Recorded {
    body: Body,
    idle: Idle,
    record: Record,
    bytes: u64,
    unread: Option<Unread>,
}

impl Recorded {
    /// A client of HTTP/1.1 that takes nothing shows it at its socket.
    fn given(&mut self, given: bool) {
        if given && self.unread.is_none() && self.record.connection.is_http2() && !self.body.is_end_stream() {
            self.unread = Some(Unread::new(&self.record.connection));
        }
        if let Some(unread) = &self.unread {
            unread.asked(given);
        }
    }
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.given(polled.is_ready());
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.idle.moved();
            }
            Poll::Ready(Some(Err(error))) => tracing::debug!(%error, "the body of an answer ended early"),
            Poll::Ready(None) => {}
            Poll::Pending if self.idle.poll(context).is_ready() => {
                return Poll::Ready(Some(Err("the upstream sent nothing for `limits.idleTimeout`".into())));
            }
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.record.finish(self.record.bytes_in(), self.bytes);
    }
}
