//! The open connections of a listener: how many, and those who must hear that a snapshot changed.

use super::Connection;
use crate::outcome::End;
use crate::snapshots::Now;
use policy::VpcEndpointId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// After so many connections the walk lets others work.
const STEP: usize = 128;

#[derive(Debug)]
pub(crate) struct Connections {
    /// Locked when a connection opens or closes, never for a request.
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    per_endpoint: Mutex<HashMap<VpcEndpointId, usize>>,
    endpoint_limit: usize,
    next: AtomicU64,
    parked: AtomicIsize,
    closing: AtomicBool,
}

/// A place among the connections of an endpoint, if there was one free.
#[derive(Debug)]
pub(crate) struct EndpointPlace {
    endpoint: Option<VpcEndpointId>,
    pub(crate) is_free: bool,
}

/// An open connection; dropping it closes it for the lists.
#[derive(Debug)]
pub(crate) struct Open {
    id: u64,
    pub(crate) connection: Arc<Connection>,
    place: EndpointPlace,
}

impl Connections {
    pub(crate) fn new(endpoint_limit: usize) -> Self {
        Self {
            open: Mutex::default(),
            per_endpoint: Mutex::default(),
            endpoint_limit,
            next: AtomicU64::new(0),
            parked: AtomicIsize::new(0),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn len(&self) -> usize {
        locked(&self.open).len()
    }

    /// How many of them wait for a request without buffers.
    pub(crate) fn parked_len(&self) -> usize {
        self.parked.load(Ordering::Relaxed).unsigned_abs()
    }

    pub(crate) fn parked(&self, change: isize) {
        self.parked.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts a connection among those of its endpoint.
    pub(crate) fn place(&self, endpoint: Option<&VpcEndpointId>) -> EndpointPlace {
        let Some(endpoint) = endpoint else { return EndpointPlace { endpoint: None, is_free: true } };
        let mut counts = locked(&self.per_endpoint);
        let count = counts.entry(endpoint.clone()).or_insert(0);
        *count += 1;
        EndpointPlace { endpoint: Some(endpoint.clone()), is_free: *count <= self.endpoint_limit }
    }

    pub(crate) fn open(&self, connection: Arc<Connection>, place: EndpointPlace) -> Open {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        locked(&self.open).insert(id, Arc::clone(&connection));
        if self.closing.load(Ordering::Acquire) {
            connection.close(End::Drain);
        }
        Open { id, connection, place }
    }

    /// Tells every connection to end, those that open from now on too.
    pub(crate) fn drain(&self) {
        self.closing.store(true, Ordering::Release);
        self.all().iter().for_each(|connection| connection.close(End::Drain));
    }

    /// Ends the connections whose peer the snapshots in force no longer accept. A connection that opens meanwhile
    /// checks itself after it is listed. `put` is when the denial was put that is the reason, if one is.
    pub(crate) async fn recheck(&self, now: Now, put: Option<Instant>) {
        for connections in self.all().chunks(STEP) {
            for connection in connections {
                if let Err(end) = connection.recheck(now) {
                    if let (End::Revoked, Some(put)) = (end, put) {
                        connection.denied_since(put);
                    }
                    connection.close(end);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        locked(&self.open).values().cloned().collect()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let connections = &self.connection.gate().connections;
        // One that nobody came to run holds the connection, and the connection holds it: neither would ever go.
        drop(self.connection.take_tunnel());
        if let Some(put) = self.connection.denied() {
            self.connection.gate().snapshots.denials().closed(put);
        }
        locked(&connections.open).remove(&self.id);
        let Some(endpoint) = &self.place.endpoint else { return };
        let mut counts = locked(&connections.per_endpoint);
        if let Some(count) = counts.get_mut(endpoint) {
            *count -= 1;
            if *count == 0 {
                counts.remove(endpoint);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
