//! The deadlines of a connection, and the signal that ends it.

use crate::application::Application;
use crate::connection::Connection;
use crate::outcome::End;
use crate::request::Requests;
use crate::snapshots::Now;
use hyper::server::conn::http1;
use policy::Timestamp;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// A connection whose peer must go is closed gracefully, and its socket dropped so much later.
const CUT: Duration = Duration::from_millis(250);
/// What is in flight when the process ends has so long to finish.
pub(crate) const FINISH: Duration = Duration::from_secs(5);
/// After so long without a request a connection is parked, if it was quiet before. One that turns out to be busy each
/// time is looked at more and more seldom.
const QUIET: Duration = Duration::from_millis(100);
const BUSY: Duration = Duration::from_secs(16);
/// How long an old connection that is not quiet may take to ask for the answer that says so.
const AGED: Duration = Duration::from_secs(1);
/// As good as never.
const FAR: Duration = Duration::from_secs(86_400 * 365);

/// Something that runs a connection and can be asked to come to its end.
pub(super) trait Graceful: Future<Output = hyper::Result<()>> + Unpin {
    fn graceful(&mut self);

    /// Whether it was upgraded: there are no requests any more that it could idle between.
    fn is_tunnel(&self) -> bool {
        false
    }

    /// Whether it holds buffers that could be given back while nothing happens.
    fn parks(&self) -> bool {
        false
    }
}

impl<I, A> Graceful for http1::UpgradeableConnection<I, Requests<A>>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    A: Application,
{
    fn graceful(&mut self) {
        Pin::new(self).graceful_shutdown();
    }

    fn parks(&self) -> bool {
        true
    }
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    Well,
    /// What came was not HTTP, or the socket broke.
    Badly(hyper::Error),
    /// By us, whatever was in flight.
    Cut(End),
    /// Not at all: there is nothing to do for now.
    Quiet,
}

/// What a deadline is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    End(End),
    Park,
}

enum Due {
    Nothing,
    Graceful,
    Cut(End),
    Park,
}

struct Ending {
    end: End,
    began: Instant,
    /// When it is closed gracefully, if that has to wait.
    graceful: Option<Instant>,
    cut: Instant,
}

pub(super) struct Supervisor<'a> {
    connection: &'a Connection,
    /// When the peer's certificate expires: no activity and no other end puts that off.
    expiry: Instant,
    /// How long it may idle.
    patience: Duration,
    /// A graceful end that is under way.
    ending: Option<Ending>,
    /// The head that is coming, and since when.
    head: Option<(u64, Instant)>,
    /// How long it must be quiet before it is parked.
    quiet: Duration,
    timer: Pin<Box<Sleep>>,
    started: bool,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        let limits = &connection.gate().config.limits;
        let now = Instant::now();
        let expiry = expiry(connection, now);
        // A peer that is turned away has the time to hear it.
        let turned_away = connection.is_overloaded() || connection.recheck(Now::read()).is_err();
        Self {
            connection,
            expiry,
            patience: if turned_away { limits.header_timeout.min(limits.idle_timeout) } else { limits.idle_timeout },
            ending: None,
            head: None,
            quiet: QUIET,
            timer: Box::pin(tokio::time::sleep(FAR)),
            started: false,
        }
    }

    pub(super) async fn supervise(&mut self, http: &mut impl Graceful) -> Ended {
        poll_fn(|context| self.poll(context, http)).await
    }

    /// HTTP is over, and a tunnel begins. If the connection grew old before, there is no answer to wait for any more.
    pub(super) fn begin_tunnel(&mut self) {
        if let Some(ending) = self.ending.as_mut().filter(|ending| ending.end == End::Age) {
            (ending.graceful, ending.cut) = (None, ending.began);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>, http: &mut impl Graceful) -> Poll<Ended> {
        if !self.started {
            self.started = true;
            self.connection.register(context);
        }
        loop {
            if let Poll::Ready(result) = Pin::new(&mut *http).poll(context) {
                return Poll::Ready(result.map_or_else(Ended::Badly, |()| Ended::Well));
            }
            match ready!(self.poll_due(context, http)) {
                Due::Cut(end) => return Poll::Ready(Ended::Cut(end)),
                Due::Graceful => http.graceful(),
                Due::Nothing => {}
                Due::Park => return Poll::Ready(Ended::Quiet),
            }
        }
    }

    fn poll_due(&mut self, context: &mut Context<'_>, http: &impl Graceful) -> Poll<Due> {
        let tunnel = http.is_tunnel();
        if let Some(end) = self.connection.closing()
            && self.ending.as_ref().is_none_or(|ending| ending.end != end)
        {
            return Poll::Ready(self.begin(end, tunnel));
        }
        loop {
            let (at, next) = self.deadline(tunnel, http.parks());
            let armed = self.timer.deadline().into_std();
            if at < armed {
                self.timer.as_mut().reset(at.into());
            } else if !self.timer.is_elapsed() {
                return Poll::Pending;
            } else if at <= Instant::now() {
                match next {
                    Next::Park => {
                        self.quiet = QUIET;
                        return Poll::Ready(Due::Park);
                    }
                    // The clock was set back since the deadline was reckoned.
                    Next::End(End::Expired) if self.connection.recheck(Now::read()).is_ok() => {
                        self.expiry = Instant::now() + Duration::from_secs(1);
                    }
                    Next::End(end) => return Poll::Ready(self.passed(end, tunnel)),
                }
            } else {
                let at = if next == Next::Park { self.look_later() } else { at };
                self.timer.as_mut().reset(at.into());
            }
            // Only a timer that was polled wakes.
            ready!(self.timer.as_mut().poll(context));
        }
    }

    /// It was busy meanwhile.
    fn look_later(&mut self) -> Instant {
        self.quiet = (self.quiet * 2).min(BUSY);
        self.connection.activity.idle_since() + self.quiet
    }

    /// The next deadline. The timer is armed for the earliest that was ever asked for and moved on when it fires, so
    /// that a request costs no timer of its own.
    fn deadline(&mut self, tunnel: bool, parks: bool) -> (Instant, Next) {
        let limits = &self.connection.gate().config.limits;
        let activity = &self.connection.activity;
        let mut next = match &self.ending {
            Some(ending) => (ending.graceful.unwrap_or(ending.cut), Next::End(ending.end)),
            None => (self.connection.old_at(), Next::End(End::Age)),
        };
        let mut or = |at: Instant, then: Next| {
            if at < next.0 {
                next = (at, then);
            }
        };
        // Whatever else ends it: a graceful end may take as long as its last answer.
        if !self.ending.as_ref().is_some_and(|ending| matches!(ending.end, End::Revoked | End::Expired)) {
            or(self.expiry, Next::End(End::Expired));
        }
        if let Some(since) = activity.stalled_since() {
            or(since + limits.idle_timeout, Next::End(End::Stalled));
        }
        if tunnel {
            // It has an idle timer of its own.
        } else if let Some(head) = activity.part_of_head(self.connection.is_http2()) {
            let since = self.head.filter(|(seen, _)| *seen == head).map_or_else(Instant::now, |(_, since)| since);
            self.head = Some((head, since));
            or(since + limits.header_timeout, Next::End(End::SlowHeader));
        } else {
            self.head = None;
            if activity.is_idle() {
                let since = activity.idle_since();
                match &self.ending {
                    None => or(since + self.patience, Next::End(End::Idle)),
                    // A client of HTTP/2 has its part in a graceful end, and may not do it.
                    Some(ending) => or(since.max(ending.began) + FINISH, Next::End(ending.end)),
                }
                if parks && self.ending.is_none() && activity.is_quiet() {
                    or(since + self.quiet, Next::Park);
                }
            }
        }
        next
    }

    fn passed(&mut self, end: End, tunnel: bool) -> Due {
        if end == End::Expired && self.ending.as_ref().is_some_and(|ending| ending.end != End::Expired) {
            return self.begin(end, tunnel);
        }
        match self.ending.as_mut().map(|ending| ending.graceful.take()) {
            Some(Some(_)) => Due::Graceful,
            Some(None) => Due::Cut(end),
            None => self.begin(end, tunnel),
        }
    }

    fn begin(&mut self, end: End, tunnel: bool) -> Due {
        if self.ending.is_none() {
            self.connection.gate().metrics.ended(end);
        }
        let grace = match end {
            End::SlowHeader | End::Stalled => return Due::Cut(end),
            End::Revoked | End::Expired | End::Idle => CUT,
            End::Drain | End::Answered => FINISH,
            End::Age => FAR,
        };
        if tunnel && end != End::Drain {
            return Due::Cut(end);
        }
        let began = Instant::now();
        let graceful = self.lingers(end).map(|time| began + time);
        if graceful.is_some() {
            // So that the next answer says it.
            self.connection.close(end);
        }
        self.ending = Some(Ending { end, began, graceful, cut: began + grace });
        if graceful.is_some() { Due::Nothing } else { Due::Graceful }
    }

    /// A client of HTTP/1.1 may be sending its next request just as we close, and would have to guess whether we have
    /// read it. While there is time, it is told with the answer to that request instead.
    fn lingers(&self, end: End) -> Option<Duration> {
        let connection = self.connection;
        if connection.is_http2() || !connection.activity.is_idle() {
            return None;
        }
        match end {
            End::Drain => connection.gate().is_draining_slowly().then(|| FINISH.saturating_sub(CUT)),
            End::Age => (connection.activity.idle_since().elapsed() < QUIET).then_some(AGED),
            _ => None,
        }
    }
}

/// When the first certificate of the peer's chain expires, by the clock that no administrator sets.
fn expiry(connection: &Connection, now: Instant) -> Instant {
    let left = connection.peer().map(|peer| peer.valid_until().duration_since(Timestamp::now()));
    let left = left.map_or(FAR, |left| Duration::try_from(left).unwrap_or(Duration::ZERO));
    // A certificate is valid through the second of its notAfter.
    now + left.min(FAR) + Duration::from_millis(1)
}
