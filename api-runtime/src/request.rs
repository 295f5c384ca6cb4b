//! The way of one request: read, check, authorize, answer, record. Each step once, and no way back.

use crate::answer::{self, Failure};
use crate::application::{Answer, Application, Permitted, Reply, Upgrade};
use crate::authorization::{self, Permit, Ruling};
use crate::body::Body;
use crate::connection::Connection;
use crate::headers;
use crate::meter::{self, Meter, Progress};
use crate::outcome::{End, Fault};
use crate::record::{Arrival, Record};
use crate::target::{self, Refusal, Seen};
use crate::tunnel::{self, Tunnel};
use futures_util::FutureExt;
use http::header::HeaderMap;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use policy::RequestPath;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::error::Elapsed;

/// The requests of one connection.
#[derive(Debug)]
pub(crate) struct Requests<A> {
    connection: Arc<Connection>,
    app: A,
}

/// An answer at hand, or on its way. Few requests wait, and only they pay for a future on the heap: what hyper keeps
/// for each connection stays small.
pub(crate) enum Answering {
    Now(Option<Response<Body>>),
    Later(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Now(answer) => answer.take().map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer))),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// Why a request goes no further.
enum Stop {
    Failure(Failure),
    Denied(Ruling),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Failure(if refusal == Refusal::Method { Failure::MethodNotAllowed } else { Failure::BadRequest })
    }
}

impl<A: Application> hyper::service::Service<Request<Incoming>> for Requests<A> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.connection.activity.head_complete();
        self.connection.activity.leaves_unread(!request.body().is_end_stream());
        let seen = Seen::of(request.headers());
        let checked = target::check(&request, &seen);
        let limit =
            (!seen.is_grpc(self.connection.is_http2())).then_some(self.connection.gate().config.limits.body_bytes);
        let too_long = limit.is_some_and(|limit| seen.announces_more_than(limit));
        let (mut arrival, websocket) = (Arrival::now(&seen), target::is_websocket(&request));
        if let Some(spans) = &self.connection.gate().spans {
            spans.sample(&mut arrival.trace);
        }
        let (mut parts, incoming) = request.into_parts();
        if websocket {
            // What RFC 8441 asks for with CONNECT is what HTTP/1.1 asks for with GET, to the policy and to the upstream.
            parts.method = Method::GET;
        }
        let mut record = self.record(&parts, arrival);
        let permit = match checked.map_err(Stop::from).and_then(|host| self.permit(&mut parts, &mut record, host)) {
            Ok(permit) => permit,
            Err(stop) => return self.stop(stop, record, parts.headers),
        };
        if too_long {
            record.ruling = Some(permit.into_ruling());
            return self.stop(Stop::Failure(Failure::BodyTooLong), record, parts.headers);
        }
        let permitted = self.permitted(parts, incoming, limit, &mut record);
        self.pass(permitted, record, permit)
    }
}

impl<A: Application> Requests<A> {
    pub(crate) fn new(connection: Arc<Connection>, app: A) -> Self {
        Self { connection, app }
    }

    fn record(&self, parts: &Parts, arrival: Arrival) -> Record {
        Record {
            connection: Arc::clone(&self.connection),
            arrival,
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            version: parts.version,
            host: None,
            account: None,
            ruling: None,
            meter: None,
            upstream: None,
            status: 0,
            in_flight: false,
            finished: false,
        }
    }

    /// Authorizes the normalised path, and leaves it as the only one there is.
    fn permit(&self, parts: &mut Parts, record: &mut Record, host: Option<HeaderValue>) -> Result<Permit, Stop> {
        record.host = host;
        let path = RequestPath::parse(parts.uri.path()).map_err(|_| Stop::Failure(Failure::BadRequest))?;
        if self.connection.is_overloaded() {
            return Err(Stop::Failure(Failure::Overloaded));
        }
        let endpoint = self.connection.endpoint();
        record.account =
            endpoint.and_then(|endpoint| self.connection.gate().snapshots.account(endpoint, record.arrival.now));
        let (method, host) = (parts.method.as_str(), record.host.as_ref().and_then(|host| host.to_str().ok()));
        let decided =
            authorization::authorize(&self.connection, record.account, method, &path, host, record.arrival.now);
        if let Some(normal) = origin_form(&parts.uri, path.as_str())? {
            parts.uri = normal;
            record.uri = parts.uri.clone();
        }
        decided.map_err(Stop::Denied)
    }

    fn stop(&self, stop: Stop, mut record: Record, headers: HeaderMap) -> Answering {
        let mut answer = match stop {
            Stop::Failure(failure) => answer::failure(failure, record.arrival.id.as_str(), headers),
            Stop::Denied(ruling) => {
                let caller = self.connection.caller_id();
                let answer = answer::denial(ruling.reason, caller, record.arrival.id.as_str(), headers);
                record.ruling = Some(ruling);
                answer
            }
        };
        // HTTP/1 closes by a header of the answer. A stream of HTTP/2 that is refused says nothing about the others,
        // but for these two.
        let closes = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE);
        if closes && self.connection.is_http2() {
            self.connection.close(End::Answered);
        }
        record.note(&mut answer);
        Answering::Now(Some(answer))
    }

    /// The request as the application gets it.
    fn permitted(&self, mut parts: Parts, incoming: Incoming, limit: Option<u64>, record: &mut Record) -> Permitted {
        let is_stream = self.connection.is_http2();
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.filter(|_| is_stream || headers::asks_for_websocket(&parts.headers));
        let upgrade = upgrade.map(|client| Upgrade { client, is_stream });
        let idle = self.connection.gate().config.limits.idle_timeout;
        let (body, meter) = meter::measured(incoming, limit, idle);
        record.meter.clone_from(&meter);
        Permitted { request: Request::from_parts(parts, body), meter, upgrade }
    }

    fn pass(&self, permitted: Permitted, mut record: Record, permit: Permit) -> Answering {
        let reply = self.app.call(permitted, &permit, &record);
        record.ruling = Some(permit.into_ruling());
        match reply {
            Reply::Now(answer) => {
                if answer.body().len_at_hand().is_none() {
                    self.begin(&mut record);
                }
                Answering::Now(Some(record.answered(answer)))
            }
            Reply::Later(answer) => {
                self.begin(&mut record);
                let until = record.arrival.now.steady + self.connection.gate().config.limits.request_timeout;
                // Not an async function: that would keep room for the answer's future twice.
                let answer = tokio::time::timeout_at(until.into(), answer);
                Answering::Later(Box::pin(answer.map(|answer| conclude(answer, record))))
            }
        }
    }

    /// From now on the connection is busy with it, until its record is complete.
    fn begin(&self, record: &mut Record) {
        record.in_flight = true;
        self.connection.activity.begin();
    }
}

/// Makes the client's answer of the application's, which may not have come within `requestTimeout`.
fn conclude(answer: Result<Answer, Elapsed>, mut record: Record) -> Response<Body> {
    let answer = answer.unwrap_or_else(|_| Answer::failed(Fault::Timeout));
    record.upstream = answer.upstream;
    match answer.response {
        Ok(response) => match answer.upgraded {
            Some((client, upstream)) => upgrade(response, record, client, upstream),
            None => record.answered(response),
        },
        Err(fault) => {
            let failure = blame(record.meter.as_deref(), fault).unwrap_or_else(|| {
                record.connection.gate().metrics.upstream_error(fault);
                fault.failure()
            });
            let response = answer::failure(failure, record.arrival.id.as_str(), HeaderMap::new());
            record.answered(response)
        }
    }
}

/// What looks like a fault of the upstream is the client's if its request did not come as it should.
fn blame(meter: Option<&Meter>, fault: Fault) -> Option<Failure> {
    match meter?.progress() {
        Progress::Awaited if fault == Fault::Timeout => Some(Failure::RequestTimeout),
        Progress::Coming | Progress::Awaited | Progress::Complete => None,
        Progress::TooLong => Some(Failure::BodyTooLong),
        Progress::Stalled => Some(Failure::RequestTimeout),
        Progress::Broken => Some(Failure::BadRequest),
    }
}

/// The answer that ends HTTP on this connection; what comes after it is the connection's own task.
fn upgrade(response: Response<Body>, record: Record, client: OnUpgrade, upstream: Upgraded) -> Response<Body> {
    let connection = Arc::clone(&record.connection);
    let idle = connection.gate().config.limits.idle_timeout;
    connection.go_on(tunnel::run(Tunnel { client, upstream, idle, record }));
    response
}

/// The target as it is authorized, logged and forwarded: the normal path, the query as it came, nothing else. `None` if
/// it is that already.
fn origin_form(uri: &Uri, path: &str) -> Result<Option<Uri>, Stop> {
    let no_path = Stop::Failure(Failure::BadRequest);
    let Some(target) = uri.path_and_query() else { return Err(no_path) };
    if path == target.path() {
        return Ok(uri.authority().map(|_| Uri::from(target.clone())));
    }
    let text = match target.query() {
        Some(query) => [path, "?", query].concat(),
        None => path.to_owned(),
    };
    PathAndQuery::try_from(text).map(|target| Some(Uri::from(target))).map_err(|_| no_path)
}
