//! What a diff claims is what the gate decides, for every pair of policies and every request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use policy::access::{AccessRequest, Effect, authorize};
use policy::diff::{Access, CallerDiff, Selection, What, diff};
use policy::{AccountId, Format, IdentityPattern, PathTemplate, Policy, RequestPath, SpiffeId, Timestamp};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const AT: &str = "2026-06-01T00:00:00Z";
const TIMES: [&str; 4] = [AT, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"];
const ENDS: [&str; 3] = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-06-01T00:00:00Z"];
const METHODS: [&str; 3] = ["GET", "POST", "PURGE"];
const TEMPLATES: [&str; 7] = ["/", "/a", "/a/{id}", "/{id}/b", "/a/{*rest}", "/{*rest}", "/{a}/{b}"];
const PATHS: [&str; 9] = ["/", "/a", "/a/", "/b", "/a/b", "/a/c", "/c/b", "/c/c", "/a/b/c"];
const IDENTITIES: [&str; 4] = ["spiffe://d/a", "spiffe://d/a/b", "spiffe://d/a/b/c", "spiffe://d/c"];
const PATTERNS: [&str; 5] = ["spiffe://d/a", "spiffe://d/a/b", "spiffe://d/*", "spiffe://d/a/*", "spiffe://d/a/b/*"];
const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];

fn rule() -> impl Strategy<Value = Value> {
    let methods = proptest::option::of(subsequence(METHODS[..2].to_vec(), 1..=2));
    (methods, subsequence(TEMPLATES.to_vec(), 1..=2)).prop_map(|(methods, paths)| {
        let mut rule = json!({ "paths": paths });
        methods.into_iter().for_each(|methods| rule["methods"] = json!(methods));
        rule
    })
}

fn caller() -> impl Strategy<Value = Value> {
    let rules = |most| proptest::collection::vec(rule(), 0..most);
    let accounts = proptest::option::weighted(0.3, subsequence(ACCOUNTS.to_vec(), 1..=2));
    let end = proptest::option::weighted(0.3, select(ENDS.to_vec()));
    (accounts, end, rules(4), rules(3)).prop_map(|(accounts, end, permit, forbid)| {
        let mut caller = json!({ "permit": permit, "forbid": forbid });
        accounts.into_iter().for_each(|accounts| caller["accounts"] = json!(accounts));
        end.into_iter().for_each(|end| caller["validUntil"] = json!(end));
        caller
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    proptest::collection::btree_map(select(PATTERNS.to_vec()), caller(), 0..4).prop_map(|callers| {
        let callers: Vec<Value> = callers
            .into_iter()
            .map(|(identity, mut caller)| {
                caller["identity"] = json!(identity);
                caller
            })
            .collect();
        let document = json!({ "version": 1, "trustDomain": "d", "callers": callers });
        Policy::parse(document.to_string().as_bytes(), Format::Json, "f", "r".into()).unwrap()
    })
}

#[derive(Debug, Clone, Copy)]
struct Request {
    identity: &'static str,
    account: Option<&'static str>,
    method: &'static str,
    path: &'static str,
    now: &'static str,
}

fn request() -> impl Strategy<Value = Request> {
    let account = proptest::option::of(select(ACCOUNTS.to_vec()));
    let now = select(TIMES.to_vec());
    (select(IDENTITIES.to_vec()), account, select(METHODS.to_vec()), select(PATHS.to_vec()), now)
        .prop_map(|(identity, account, method, path, now)| Request { identity, account, method, path, now })
}

fn allows(policy: &Policy, request: &Request) -> bool {
    let account = request.account.map(|account| account.parse().unwrap());
    let asked = AccessRequest {
        identity: &request.identity.parse().unwrap(),
        account: account.as_ref(),
        endpoint: None,
        method: request.method,
        path: &RequestPath::parse(request.path).unwrap(),
        now: request.now.parse().unwrap(),
    };
    authorize(policy, &asked).effect == Effect::Allow
}

/// Whether it is allowed at all, through some account and now if not later.
fn allows_somehow(policy: &Policy, request: &Request) -> bool {
    let accounts = std::iter::once(None).chain(ACCOUNTS.into_iter().map(Some));
    accounts.into_iter().any(|account| allows(policy, &Request { account, now: AT, ..*request }))
}

/// The diff that speaks for an identity: of all that match, the nearest. None claims that nothing changes.
fn nearest<'d>(diffs: &'d [CallerDiff], patterns: &[IdentityPattern], identity: &SpiffeId) -> Option<&'d CallerDiff> {
    let matching = patterns.iter().filter(|pattern| pattern.matches(identity));
    let nearest = matching.max_by_key(|pattern| (!pattern.is_prefix(), pattern.base().as_str().len()))?;
    diffs.iter().find(|diff| diff.identity == *nearest)
}

fn holds<T: PartialEq>(selection: &Selection<T>, item: Option<&T>) -> bool {
    match selection {
        Selection::Only(items) => item.is_some_and(|item| items.contains(item)),
        Selection::AllBut(items) => item.is_none_or(|item| !items.contains(item)),
    }
}

fn covers(access: &Access, request: &Request, both_allow: bool) -> bool {
    let path = RequestPath::parse(request.path).unwrap();
    let fits = |text: &String| text.parse::<PathTemplate>().unwrap().matches(&path);
    let asked = match &access.what {
        What::Requests { methods, path, except } => {
            holds(methods, Some(&request.method.to_owned())) && fits(path) && !except.iter().any(fits)
        }
        What::AllowedByBoth => both_allow,
    };
    let account: Option<AccountId> = request.account.map(|account| account.parse().unwrap());
    let now: Timestamp = request.now.parse().unwrap();
    asked
        && holds(&access.accounts, account.as_ref())
        && access.from.is_none_or(|from| from <= now)
        && access.until.is_none_or(|until| now < until)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn gains_and_losses_are_those_of_the_gate(old in policy(), new in policy(), request in request()) {
        let found = diff(&old, &new, AT.parse().unwrap());
        let patterns: Vec<IdentityPattern> = old.patterns().chain(new.patterns()).collect();
        let diff = nearest(&found.callers, &patterns, &request.identity.parse().unwrap());
        let both = allows_somehow(&old, &request) && allows_somehow(&new, &request);
        let claims = |list: Option<&Vec<Access>>| list.is_some_and(|all| all.iter().any(|a| covers(a, &request, both)));
        let (before, after) = (allows(&old, &request), allows(&new, &request));
        prop_assert_eq!(claims(diff.map(|diff| &diff.gains)), after && !before, "gains {:#?}", found);
        prop_assert_eq!(claims(diff.map(|diff| &diff.losses)), before && !after, "losses {:#?}", found);
    }

    #[test]
    fn a_policy_does_not_differ_from_itself_and_a_diff_turns_round(old in policy(), new in policy()) {
        let at = AT.parse().unwrap();
        prop_assert!(diff(&old, &old, at).is_empty());
        let (there, back) = (diff(&old, &new, at), diff(&new, &old, at));
        prop_assert_eq!(there.callers.len(), back.callers.len());
        for (there, back) in there.callers.iter().zip(&back.callers) {
            prop_assert_eq!(&there.gains, &back.losses);
        }
    }
}
