//! Requests that a policy has to answer before it is in force.

use policy::access::AccessRequest;
use policy::{AccountId, RequestPath, SerialNumber, SpiffeId, Timestamp, VpcEndpointId};

use crate::error::RegoProblem;
use crate::outcome::RegoDecision;
use crate::{RegoPolicy, RegoRequest};

/// A loaded machine may interrupt one evaluation; not each of so many.
const ATTEMPTS: usize = 10;

/// What is wrong with the answers, if anything is.
pub(crate) fn problem(policy: &RegoPolicy) -> Option<RegoProblem> {
    let identity: SpiffeId = "spiffe://internal.example/prod/sample".parse().ok()?;
    let serial_number: SerialNumber = "0a1b2c".parse().ok()?;
    let endpoint: VpcEndpointId = "vpce-0123456789abcdef0".parse().ok()?;
    let account: AccountId = "123456789012".parse().ok()?;
    for (path, method, known) in [("/v1/invoices/17", "GET", true), ("/", "POST", false), ("/v1/a%20b/", "PURGE", true)]
    {
        let path = RequestPath::parse(path).ok()?;
        let access = AccessRequest {
            identity: &identity,
            account: known.then_some(&account),
            endpoint: known.then_some(&endpoint),
            method,
            path: &path,
            now: Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000),
        };
        let request = RegoRequest {
            access,
            common_name: known.then_some("sample"),
            serial_number: known.then_some(&serial_number),
            not_after: known.then_some(access.now),
            host: known.then_some("invoices.internal.example"),
        };
        if let Some(problem) = failure(policy, &request) {
            let message = format!("{}; found with a sample request, `{method} {}`", problem.message, path.as_str());
            return Some(RegoProblem { message, ..problem });
        }
    }
    None
}

fn failure(policy: &RegoPolicy, request: &RegoRequest<'_>) -> Option<RegoProblem> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match policy.evaluate(request).map(|value| RegoDecision::of(&value).detail) {
            Ok(None) => return None,
            Ok(Some(detail)) => return Some(RegoProblem::general(detail)),
            Err(problem) => last = Some(problem),
        }
    }
    last
}
