//! A policy that decides requests as the log or a file of cases tells of them.

use std::collections::HashMap;

use policy::access::AccessRequest;
use policy::{AccountId, RequestPath, SerialNumber, SpiffeId, Timestamp, VpcEndpointId};
use policy_source::{Decision, Engine, RegoRequest};

/// A request in the words of a log or a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a str,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) certificate: Certificate<'a>,
    pub(crate) host: Option<&'a str>,
}

/// What Rego may ask of the caller's certificate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Certificate<'a> {
    pub(crate) common_name: Option<&'a str>,
    pub(crate) serial_number: Option<&'a str>,
    pub(crate) not_after: Option<&'a str>,
}

/// Why a request cannot be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Caller(#[from] policy::SpiffeIdError),
    #[error(transparent)]
    Account(#[from] policy::AccountIdError),
    #[error(transparent)]
    Endpoint(#[from] policy::ResourceIdError),
    #[error(transparent)]
    SerialNumber(#[from] policy::SerialNumberError),
    #[error("`{0}` is not a time by RFC 3339")]
    Time(String),
    #[error("the path `{0}`: {1}")]
    Path(String, policy::PathError),
}

/// Decides one request after the other.
#[derive(Debug)]
pub(crate) struct Judge {
    engine: Engine,
    /// Callers by what was written: there are few of them, and reading one takes longer than finding it.
    callers: HashMap<String, SpiffeId>,
}

/// More callers than these are read anew each time.
const MOST_CALLERS: usize = 100_000;

impl Judge {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, callers: HashMap::new() }
    }

    pub(crate) fn decide(&mut self, asked: &Asked<'_>) -> Result<Decision, AskError> {
        let identity = self.identity(asked.caller)?;
        let account: Option<AccountId> = asked.account.map(str::parse).transpose()?;
        let path = RequestPath::parse(asked.path).map_err(|error| AskError::Path(asked.path.to_owned(), error))?;
        let access = AccessRequest {
            identity: &identity,
            account: account.as_ref(),
            endpoint: None,
            method: asked.method,
            path: &path,
            now: asked.now,
        };
        let nothing_more =
            RegoRequest { access, common_name: None, serial_number: None, not_after: None, host: asked.host };
        if matches!(self.engine, Engine::Declarative(_)) {
            return Ok(self.engine.authorize(&nothing_more));
        }
        let endpoint: Option<VpcEndpointId> = asked.endpoint.map(str::parse).transpose()?;
        let serial_number: Option<SerialNumber> = asked.certificate.serial_number.map(str::parse).transpose()?;
        let not_after = asked.certificate.not_after.map(|end| end.parse().map_err(|_| AskError::Time(end.to_owned())));
        Ok(self.engine.authorize(&RegoRequest {
            access: AccessRequest { endpoint: endpoint.as_ref(), ..access },
            common_name: asked.certificate.common_name,
            serial_number: serial_number.as_ref(),
            not_after: not_after.transpose()?,
            ..nothing_more
        }))
    }

    fn identity(&mut self, caller: &str) -> Result<SpiffeId, AskError> {
        if let Some(identity) = self.callers.get(caller) {
            return Ok(identity.clone());
        }
        let identity: SpiffeId = caller.parse()?;
        if self.callers.len() < MOST_CALLERS {
            self.callers.insert(caller.to_owned(), identity.clone());
        }
        Ok(identity)
    }
}
