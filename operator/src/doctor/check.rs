//! One check, what it found, and what to do about it.

use std::future::Future;

use policy::Timestamp;
use serde::Serialize;

use crate::aws::signed::CallError;
use crate::output::Progress;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    Green,
    /// It works, and somebody should look at it.
    Yellow,
    Red,
}

/// What a check found. A remedy goes with everything that is not green.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) status: Status,
    pub(super) found: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn green(found: impl Into<String>) -> Self {
        Self { status: Status::Green, found: found.into(), remedy: None }
    }

    pub(super) fn yellow(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Yellow, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn red(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Red, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// A call that gave no answer is red; who may not ask is told what to ask for.
impl From<CallError> for Finding {
    fn from(error: CallError) -> Self {
        let remedy = match &error {
            CallError::Refused { action, .. } if error.is_denied() => {
                format!("let these credentials call `{action}`; without it nothing can be said here")
            }
            CallError::NoRegion | CallError::NoCredentials(_) => {
                "give credentials and a Region, as for the AWS command line".to_owned()
            }
            CallError::Refused { .. } => "look whether it is named right, in this account and Region".to_owned(),
            _ => "look at the way from here to AWS: Region, proxy, `AWS_ENDPOINT_URL…`".to_owned(),
        };
        Self::red(error.to_string(), remedy)
    }
}

/// Whether a certificate is in the last quarter of its life, in which it should have been renewed.
pub(super) fn is_late(from: Timestamp, end: Timestamp) -> bool {
    let (left, life) = (end.duration_since(Timestamp::now()), end.duration_since(from));
    left.as_secs().saturating_mul(4) < life.as_secs()
}

/// Stops a check at what is wrong.
pub(super) type Checked<T> = Result<(Finding, T), Finding>;

/// Several findings of one kind as one: the worst of them counts, all that is not green is told.
pub(super) fn worst(findings: Vec<Finding>) -> Finding {
    let status = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Green);
    let told: Vec<&Finding> =
        findings.iter().filter(|finding| status == Status::Green || finding.status != Status::Green).collect();
    let found = told.iter().map(|finding| finding.found.as_str()).collect::<Vec<_>>().join("; ");
    let mut remedies: Vec<&str> = told.iter().filter_map(|finding| finding.remedy.as_deref()).collect();
    remedies.dedup();
    Finding { status, found, remedy: Some(remedies.join("; ")).filter(|text| !text.is_empty()) }
}

/// One check, as it is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) name: &'static str,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

/// What could not be looked at, and why: because it was not named, or because something before it is red.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Unchecked {
    pub(super) name: &'static str,
    pub(super) why: String,
}

/// All checks so far.
#[derive(Debug)]
pub(super) struct Examination {
    pub(super) checks: Vec<Told>,
    pub(super) unchecked: Vec<Unchecked>,
    progress: Progress,
}

impl Examination {
    pub(super) fn new() -> Self {
        Self { checks: Vec::new(), unchecked: Vec::new(), progress: Progress::new() }
    }

    /// Does one check; gives what those that follow need, if it came to that.
    pub(super) async fn check<T>(&mut self, name: &'static str, work: impl Future<Output = Checked<T>>) -> Option<T> {
        self.progress.at(0, 0, || format!("checked {}, now {name}", self.checks.len()));
        let (finding, value) = match work.await {
            Ok((finding, value)) => (finding, Some(value)),
            Err(finding) => (finding, None),
        };
        self.checks.push(Told { name, finding });
        value
    }

    /// A check of which nothing else needs anything.
    pub(super) async fn simple(&mut self, name: &'static str, work: impl Future<Output = Result<Finding, Finding>>) {
        let work = async { work.await.map(|finding| (finding, ())) };
        self.check(name, work).await.unwrap_or_default();
    }

    pub(super) fn skip(&mut self, names: &[&'static str], why: &str) {
        self.unchecked.extend(names.iter().map(|name| Unchecked { name, why: why.to_owned() }));
    }

    pub(super) fn status(&self) -> Status {
        self.checks.iter().map(|check| check.finding.status).max().unwrap_or(Status::Green)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_counts_and_only_what_is_wrong_is_told() {
        let green = || Finding::green("a is fine");
        let red = worst(vec![green(), Finding::yellow("b is old", "renew"), Finding::red("c is gone", "make c")]);
        assert_eq!(red, Finding::red("b is old; c is gone", "renew; make c"));
        assert_eq!(worst(vec![green(), Finding::green("b too")]), Finding::green("a is fine; b too"));
    }

    #[test]
    fn a_certificate_is_late_in_the_last_quarter_of_its_life() {
        let (now, hour) = (Timestamp::now(), std::time::Duration::from_secs(3600));
        assert!(is_late(now - hour * 7, now + hour * 2) && is_late(now - hour * 2, now - hour));
        assert!(!is_late(now - hour * 2, now + hour));
    }

    #[test]
    fn who_may_not_ask_is_told_what_to_ask_for() {
        let refused = CallError::Refused {
            action: "DescribeListeners".into(),
            code: "AccessDenied".into(),
            message: "no".into(),
        };
        let finding = Finding::from(refused);
        assert_eq!(finding.status, Status::Red);
        assert!(finding.remedy.unwrap().contains("`DescribeListeners`"));
    }
}
