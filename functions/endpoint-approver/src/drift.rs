//! Where the allowed principals of an endpoint service and the policy differ. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use policy::endpoint::{Connection, ConnectionState, Context, VerdictReason, decide};
use policy::{AccountId, Policy, ServiceId};

/// The drift of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drift {
    /// Principals that may ask for a connection and whose account the policy does not list, in AWS's words.
    pub(crate) principals_without_consumer: BTreeSet<String>,
    /// Accounts that the policy lists and that cannot ask.
    pub(crate) consumers_without_principal: BTreeSet<String>,
}

/// Who a principal stands for.
enum Whom {
    Everybody,
    Account(AccountId),
    Unit(String),
    Other,
}

/// The accounts among these principals.
pub(crate) fn accounts(principals: &[String]) -> impl Iterator<Item = AccountId> {
    principals.iter().filter_map(|principal| match whom(principal) {
        Whom::Account(account) => Some(account),
        _ => None,
    })
}

/// Compares both ways. Who is not known to be listed or not is no drift; `units` is as for
/// [`policy::endpoint::decide_all`].
pub(crate) fn drift(
    policy: &Policy,
    service: &ServiceId,
    principals: &[String],
    now: Timestamp,
    units: &dyn Fn(&AccountId) -> Option<Vec<String>>,
) -> Drift {
    let lists = |account: &AccountId| lists(policy, service, account, now, units);
    let consumers = policy.endpoints().consumers();
    let names_unit = |unit: &str| {
        consumers.iter().filter_map(|consumer| consumer.organizational_unit()).any(|named| named.as_str() == unit)
    };
    let without_consumer = principals.iter().filter(|principal| match whom(principal) {
        Whom::Account(account) => !lists(&account),
        Whom::Unit(unit) => !names_unit(&unit),
        Whom::Everybody | Whom::Other => true,
    });
    let everybody = principals.iter().any(|principal| matches!(whom(principal), Whom::Everybody));
    let may_ask: BTreeSet<_> = accounts(principals).collect();
    let listed = consumers.iter().filter_map(|consumer| consumer.account());
    let without_principal = listed.filter(|account| !everybody && !may_ask.contains(*account) && lists(account));
    Drift {
        principals_without_consumer: without_consumer.cloned().collect(),
        consumers_without_principal: without_principal.map(ToString::to_string).collect(),
    }
}

/// Whether a connection of the account would not be turned away as a stranger's: the same function decides.
fn lists(
    policy: &Policy,
    service: &ServiceId,
    account: &AccountId,
    now: Timestamp,
    units: &dyn Fn(&AccountId) -> Option<Vec<String>>,
) -> bool {
    let Ok(endpoint_id) = "vpce-0".parse() else { return false };
    let connection = Connection {
        endpoint_id,
        service_id: service.clone(),
        owner: *account,
        state: ConnectionState::PendingAcceptance,
        region: None,
        created_at: None,
    };
    let units = if policy.endpoints().names_units() { units(account) } else { Some(Vec::new()) };
    let verdict = decide(policy, &connection, &Context { now, older: 0, organizational_units: units.as_deref() });
    // The Region is not known here, and does not matter.
    matches!(verdict.reason, VerdictReason::Allowed | VerdictReason::StateUnknown | VerdictReason::LimitReached)
}

fn whom(principal: &str) -> Whom {
    if principal == "*" {
        return Whom::Everybody;
    }
    let mut parts = principal.splitn(6, ':');
    let (service, account) = (parts.nth(2), parts.nth(1));
    let resource = parts.next().unwrap_or_default();
    match (service, account.unwrap_or(principal).parse(), resource.rsplit_once('/')) {
        (Some("organizations"), _, Some((_, unit))) if unit.starts_with("ou-") => Whom::Unit(unit.to_owned()),
        (None | Some("iam"), Ok(account), _) => Whom::Account(account),
        _ => Whom::Other,
    }
}

#[cfg(test)]
mod tests {
    use policy::{Format, Revision};

    use super::*;

    const POLICY: &str = r#"
version: 1
trustDomain: internal.example
endpoints:
  consumers:
    - account: "111111111111"
    - {account: "222222222222", regions: [us-east-1]}
    - {account: "333333333333", services: [vpce-svc-2]}
    - {account: "444444444444", validUntil: 2026-01-01T00:00:00Z}
"#;

    fn policy(more: &str) -> Policy {
        let text = format!("{POLICY}{more}callers: []\n");
        Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", Revision::from("7".to_owned())).unwrap()
    }

    fn root(digit: u8) -> String {
        format!("arn:aws:iam::{}:root", digit.to_string().repeat(12))
    }

    fn compared(policy: &Policy, principals: &[String]) -> (Vec<String>, Vec<String>) {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let units = |account: &AccountId| match account.as_str() {
            "666666666666" => Some(vec!["ou-ab12-abcdefgh".to_owned()]),
            "777777777777" => None,
            _ => Some(Vec::new()),
        };
        let drift = drift(policy, &"vpce-svc-1".parse().unwrap(), principals, now, &units);
        let list = |set: BTreeSet<String>| set.into_iter().collect();
        (list(drift.principals_without_consumer), list(drift.consumers_without_principal))
    }

    #[test]
    fn who_may_ask_and_who_is_listed_are_compared_both_ways() {
        let digits = |digits: &[u8]| digits.iter().map(|digit| digit.to_string().repeat(12)).collect::<Vec<_>>();
        let (more, less) = compared(&policy(""), &[root(1), root(3), root(4), root(5)]);
        assert_eq!((more, less), (vec![root(3), root(4), root(5)], digits(&[2])));
        let users = ["arn:aws:iam::111111111111:role/x".to_owned(), "222222222222".to_owned()];
        assert_eq!(compared(&policy(""), &users), (vec![], vec![]), "a part of an account, and a bare account");
        let (more, less) = compared(&policy(""), &["*".to_owned(), "arn:aws:s3:::bucket".to_owned()]);
        assert_eq!((more, less), (vec!["*".to_owned(), "arn:aws:s3:::bucket".to_owned()], vec![]));
    }

    #[test]
    fn a_unit_lists_its_accounts_and_what_is_not_known_is_no_drift() {
        let policy = policy("    - {organizationalUnit: ou-ab12-abcdefgh}\n");
        let unit = |id: &str| format!("arn:aws:organizations::999999999999:ou/o-abcdefghij/{id}");
        let principals =
            ["*".to_owned(), root(6), root(7), root(8), unit("ou-ab12-abcdefgh"), unit("ou-ab12-zzzzzzzz")];
        assert_eq!(compared(&policy, &principals).0, ["*".to_owned(), root(8), unit("ou-ab12-zzzzzzzz")]);
    }
}
