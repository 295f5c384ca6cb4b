//! One connection of a caller: who it is, what it does, and the signal that ends it.

mod activity;
mod first_line;
mod gate;
mod heads;
mod identity_headers;
mod open;

pub(crate) use activity::Observed;
pub(crate) use first_line::TargetTooLong;
pub(crate) use gate::Gate;
pub(crate) use open::{Connections, Open};

use crate::access_log;
use crate::answer;
use crate::handshake::Facts;
use crate::metrics::CallerSlot;
use crate::outcome::End;
use crate::snapshots::Now;
use crate::trust::Peer;
use activity::Activity;
use bytes::Bytes;
use identity_headers::IdentityHeaders;
use policy::VpcEndpointId;
use policy::access::Reason;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::time::Instant;

/// What the whole connection becomes once HTTP is over: bytes both ways, until they end.
pub(crate) type RunningTunnel = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is known of a connection once its handshake is complete, and what its requests share. Made once, so that a
/// request need not render, parse or allocate it again.
pub(crate) struct Connection {
    gate: Arc<Gate>,
    facts: Facts,
    /// Whether each request is answered with 503: there were too many connections from its endpoint.
    overloaded: bool,
    /// The fields of an access-log line that are the same for every request.
    log_fields: Box<[u8]>,
    built_in: OnceLock<Bytes>,
    identity_headers: OnceLock<IdentityHeaders>,
    caller: AtomicU16,
    pub(crate) activity: Activity,
    closing: AtomicU8,
    waker: Mutex<Option<Waker>>,
    tunnel: Mutex<Option<RunningTunnel>>,
    upgraded: AtomicBool,
    /// When `connectionAge` is over.
    old: Instant,
    denied: OnceLock<Instant>,
}

impl Connection {
    pub(crate) fn new(gate: Arc<Gate>, facts: Facts, overloaded: bool) -> Self {
        Self {
            log_fields: access_log::connection_fields(&facts).into(),
            old: Instant::now() + gate.config.limits.connection_age,
            gate,
            facts,
            overloaded,
            built_in: OnceLock::new(),
            identity_headers: OnceLock::new(),
            caller: AtomicU16::new(CallerSlot::NONE.to_bits()),
            activity: Activity::new(),
            closing: AtomicU8::new(0),
            waker: Mutex::new(None),
            tunnel: Mutex::new(None),
            upgraded: AtomicBool::new(false),
            denied: OnceLock::new(),
        }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn peer(&self) -> Option<&Arc<Peer>> {
        self.facts.peer.as_ref()
    }

    pub(crate) fn endpoint(&self) -> Option<&VpcEndpointId> {
        self.facts.endpoint.as_ref()
    }

    pub(crate) fn caller_id(&self) -> Option<&str> {
        self.peer()?.identity().ok().map(policy::SpiffeId::as_str)
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.facts.http2
    }

    pub(crate) fn is_overloaded(&self) -> bool {
        self.overloaded
    }

    /// When `connectionAge` is over.
    pub(crate) fn old_at(&self) -> Instant {
        self.old
    }

    pub(crate) fn log_fields(&self) -> &[u8] {
        &self.log_fields
    }

    /// The answer of a runtime without upstream.
    pub(crate) fn built_in_answer(&self) -> Bytes {
        let endpoint = self.endpoint().map(VpcEndpointId::as_str);
        self.built_in.get_or_init(|| answer::built_in(self.caller_id().unwrap_or_default(), endpoint).into()).clone()
    }

    pub(crate) fn identity_headers(&self) -> &IdentityHeaders {
        self.identity_headers.get_or_init(|| IdentityHeaders::of(self))
    }

    /// Where the caller is counted; looked up once the policy has shown that it knows the caller.
    pub(crate) fn caller_slot(&self, names_caller: bool) -> CallerSlot {
        let slot = CallerSlot::from_bits(self.caller.load(Ordering::Relaxed));
        match self.peer().map(|peer| peer.identity()) {
            Some(Ok(identity)) if slot == CallerSlot::NONE && names_caller => {
                let slot = self.gate.metrics.caller(identity);
                self.caller.store(slot.to_bits(), Ordering::Relaxed);
                slot
            }
            _ => slot,
        }
    }

    /// Whether the snapshots in force still let the peer keep its connection. A stale CRL or deny list denies requests
    /// but closes nothing: it may be fresh again in a second. Only what was upgraded has no next request to be denied, and
    /// ends with either.
    pub(crate) fn recheck(&self, now: Now) -> Result<(), End> {
        let Some(peer) = self.peer() else { return Ok(()) };
        match self.gate.snapshots.check(peer, self.endpoint(), now) {
            Err(Reason::CertificateExpired) => Err(End::Expired),
            Err(Reason::CertificateRevoked | Reason::CertificateLifetimeTooLong | Reason::BadIdentity) => {
                Err(End::Revoked)
            }
            Err(Reason::CrlStale | Reason::DenyListStale) if self.upgraded.load(Ordering::Relaxed) => Err(End::Expired),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Its peer is denied by an entry that was put then.
    pub(crate) fn denied_since(&self, put: Instant) {
        let _ = self.denied.set(put);
    }

    pub(crate) fn denied(&self) -> Option<Instant> {
        self.denied.get().copied()
    }

    /// Tells the connection's task to end it. The first reason stays, but for one that ends it sooner.
    pub(crate) fn close(&self, end: End) {
        let code = end as u8 + 1;
        let sooner = matches!(end, End::Revoked | End::Expired);
        let _ = self
            .closing
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |current| (current == 0 || sooner).then_some(code));
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = waker.as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether the answer to the next request should be the last.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn closing(&self) -> Option<End> {
        let code = self.closing.load(Ordering::Acquire);
        End::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// Lets [`Connection::close`] wake the connection's task.
    pub(crate) fn register(&self, context: &Context<'_>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
    }

    /// Goes on with what a request was upgraded to: a stream of HTTP/2 in a task of its own, which ends with the
    /// connection; the whole connection of HTTP/1.1 in the task it has, once HTTP is over.
    pub(crate) fn go_on(&self, tunnel: impl Future<Output = ()> + Send + 'static) {
        self.upgraded.store(true, Ordering::Relaxed);
        if self.is_http2() {
            tokio::spawn(tunnel);
        } else {
            *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(tunnel));
        }
    }

    pub(crate) fn take_tunnel(&self) -> Option<RunningTunnel> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("facts", &self.facts).finish_non_exhaustive()
    }
}
