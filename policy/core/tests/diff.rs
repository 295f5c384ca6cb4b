//! What a change of the policy means, in the words of the documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::diff::{Access, Admission, Selection, What, diff};
use policy::endpoint::{Action, ConsumerSubject};
use policy::{Format, Policy};

const AT: &str = "2026-11-26T00:00:00Z";

fn policy(rest: &str) -> Policy {
    let text = format!("version: 1\ntrustDomain: a\n{rest}");
    Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap()
}

fn words<T: ToString>(selection: &Selection<T>) -> String {
    let list = |items: &[T]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match selection {
        Selection::AllBut(items) if items.is_empty() => "any".to_owned(),
        Selection::AllBut(items) => format!("any but {}", list(items)),
        Selection::Only(items) => list(items),
    }
}

fn access(sign: char, access: &Access) -> String {
    let mut text = match &access.what {
        What::Requests { methods, path, except } if except.is_empty() => format!("{sign} {} {path}", words(methods)),
        What::Requests { methods, path, except } => {
            format!("{sign} {} {path} except {}", words(methods), except.join(" "))
        }
        What::AllowedByBoth => format!("{sign} all"),
    };
    if !access.accounts.is_any() {
        text += &format!(" through {}", words(&access.accounts));
    }
    access.from.iter().for_each(|from| text += &format!(" from {}", from.strftime("%F")));
    access.until.iter().for_each(|until| text += &format!(" until {}", until.strftime("%F")));
    text
}

/// Of one caller whose entries are these.
fn caller(old: &str, new: &str) -> Vec<String> {
    let entry = |rest: &str| policy(&format!("callers:\n- {{identity: spiffe://a/x, {rest}}}\n"));
    let diff = diff(&entry(old), &entry(new), AT.parse().unwrap());
    let of = |caller: &policy::diff::CallerDiff| -> Vec<String> {
        let gains = caller.gains.iter().map(|gain| access('+', gain));
        gains.chain(caller.losses.iter().map(|loss| access('-', loss))).collect()
    };
    diff.callers.iter().flat_map(of).collect()
}

#[test]
fn rules_are_compared_by_meaning() {
    for (old, new, expected) in [
        // Split, moved, renamed, doubled, narrowed to nothing: the same.
        (
            "permit: [{methods: [GET, PUT], paths: [/b, /c]}]",
            "permit: [{id: new, methods: [PUT], paths: [/c, /b]}, {methods: [GET], paths: ['/b']}, {methods: [GET], paths: [/c]}]",
            &[][..],
        ),
        ("permit: [{paths: ['/{a}']}]", "permit: [{paths: ['/{b}', /x]}]", &[]),
        ("permit: [{paths: [/b]}]", "permit: [{paths: [/b, /c]}], forbid: [{paths: [/c]}]", &[]),
        ("permit: [{paths: ['/{*r}']}]", "permit: [{paths: ['/', '/{a}', '/{a}/{*r}']}]", &[]),
        ("forbid: [{paths: [/b]}]", "forbid: [{paths: [/c]}]", &[]),
        // Gained and lost.
        ("", "permit: [{methods: [GET], paths: [/b]}]", &["+ GET /b"]),
        ("permit: [{methods: [GET], paths: [/b]}]", "permit: [{paths: [/b]}]", &["+ any but GET /b"]),
        (
            "permit: [{methods: [GET], paths: [/b]}]",
            "permit: [{methods: [GET, PURGE], paths: ['/{id}']}]",
            &["+ PURGE /{id}", "+ GET /{id} except /b"],
        ),
        (
            "permit: [{paths: ['/v/{*r}']}]",
            "permit: [{paths: ['/v/{*r}']}], forbid: [{methods: [GET], paths: [/v/s]}]",
            &["- GET /v/s"],
        ),
        (
            "permit: [{paths: ['/v/{*r}']}], forbid: [{paths: ['/{x}/s']}]",
            "permit: [{paths: ['/v/{*r}']}]",
            &["+ any /v/s"],
        ),
        // A forbid also counts for other spellings, a permit does not.
        (
            "permit: [{paths: ['/{id}']}], forbid: [{paths: ['/7:s']}]",
            "permit: [{paths: ['/{id}']}], forbid: [{paths: ['/7%3As']}]",
            &[],
        ),
        ("permit: [{paths: ['/7:s']}]", "permit: [{paths: ['/7%3As']}]", &["+ any /7%3As", "- any /7:s"]),
    ] {
        let mut found = caller(old, new);
        found.sort();
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{old} → {new}");
    }
}

#[test]
fn accounts_and_times_are_told_once_and_not_for_every_rule() {
    let rules = "permit: [{paths: [/b, /c]}]";
    for (old, new, expected) in [
        ("", "accounts: ['111111111111']", &["- all through any but 111111111111"][..]),
        (
            "accounts: ['111111111111', '222222222222']",
            "accounts: ['222222222222', '333333333333']",
            &["+ all through 333333333333", "- all through 111111111111"],
        ),
        ("validUntil: 2027-01-01T00:00:00Z", "", &["+ all from 2027-01-01"]),
        ("", "validUntil: 2027-01-01T00:00:00Z", &["- all from 2027-01-01"]),
        (
            "validUntil: 2027-01-01T00:00:00Z",
            "validUntil: 2027-02-01T00:00:00Z",
            &["+ all from 2027-01-01 until 2027-02-01"],
        ),
        // An expired grant is none.
        ("validUntil: 2026-01-01T00:00:00Z", "validUntil: 2026-02-01T00:00:00Z", &[]),
        (
            "validUntil: 2026-01-01T00:00:00Z",
            "validUntil: 2027-01-01T00:00:00Z",
            &["+ any /b until 2027-01-01", "+ any /c until 2027-01-01"],
        ),
    ] {
        let comma = |text: &str| if text.is_empty() { rules.to_owned() } else { format!("{text}, {rules}") };
        assert_eq!(caller(&comma(old), &comma(new)), expected, "{old} → {new}");
    }
}

#[test]
fn whoever_loses_an_entry_falls_to_the_prefix_above() {
    let all = "- {identity: spiffe://a/*, permit: [{paths: [/b]}]}\n";
    let own = "- {identity: spiffe://a/x, permit: [{paths: [/b, /c]}]}\n";
    let changed = |old: &str, new: &str| {
        let (old, new) = (policy(&format!("callers:\n{old}")), policy(&format!("callers:\n{new}")));
        let diff = diff(&old, &new, AT.parse().unwrap());
        let line = |caller: &policy::diff::CallerDiff| {
            format!("{} +{} -{}", caller.identity, caller.gains.len(), caller.losses.len())
        };
        diff.callers.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(changed(&format!("{all}{own}"), all), ["spiffe://a/x +0 -1"]);
    assert_eq!(changed(all, &format!("{all}{own}")), ["spiffe://a/x +1 -0"]);
    let same =
        "- {identity: spiffe://a/x, permit: [{paths: [/b]}]}\n- {identity: spiffe://a/p/*, permit: [{paths: [/b]}]}\n";
    assert_eq!(changed(&format!("{all}{same}"), all), Vec::<String>::new());
    assert_eq!(changed(all, own), ["spiffe://a/* +0 -1", "spiffe://a/x +1 -0"]);
}

fn admission(admission: &Admission) -> String {
    let mut text = admission.action.as_str().to_owned();
    admission.max_endpoints.iter().for_each(|most| text += &format!(" {most}"));
    admission.until.iter().for_each(|until| text += &format!(" until {}", until.strftime("%F")));
    text
}

#[test]
fn consumers_are_compared_by_region_service_number_and_time() {
    let one = |rest: &str| format!("- {{account: '111111111111', {rest}}}\n");
    for (old, new, expected) in [
        (String::new(), one("name: one"), &["one any any reject → accept"][..]),
        (one("name: one"), String::new(), &["one any any accept → reject"]),
        (one("name: one"), one("name: two"), &[]),
        (one("regions: [eu-west-1, eu-west-2]"), one("regions: [eu-west-1]") + &one("regions: [eu-west-2]"), &[]),
        (one("regions: [eu-west-1, eu-west-2]"), one("regions: [eu-west-1]"), &["- eu-west-2 any accept → reject"]),
        (one("services: [vpce-svc-1]"), one("name: one"), &["one any any but vpce-svc-1 reject → accept"]),
        (one("maxEndpoints: 4"), one("maxEndpoints: 2"), &["- any any accept 4 → accept 2"]),
        (one("maxEndpoints: 0"), String::new(), &[]),
        (one("validUntil: 2027-01-01T00:00:00Z"), one("name: one"), &["one any any accept until 2027-01-01 → accept"]),
        (one("validUntil: 2026-01-01T00:00:00Z"), String::new(), &[]),
        // Four places in all are not four in each Region.
        (
            one("regions: [eu-west-1, eu-west-2], maxEndpoints: 4"),
            one("regions: [eu-west-1], maxEndpoints: 4") + &one("regions: [eu-west-2], maxEndpoints: 4"),
            &["- eu-west-1,eu-west-2 any accept 4 → accept 4"],
        ),
    ] {
        let side = |list: &str| policy(&format!("endpoints:\n  consumers:\n{}", list.replace("- {", "  - {")));
        let side = |list: &str| if list.is_empty() { policy("") } else { side(list) };
        let diff = diff(&side(&old), &side(&new), AT.parse().unwrap());
        let lines: Vec<String> = diff
            .consumers
            .iter()
            .flat_map(|consumer| consumer.changes.iter().map(move |change| (consumer, change)))
            .map(|(consumer, change)| {
                assert_eq!(consumer.subject, ConsumerSubject::Account("111111111111".parse().unwrap()));
                let name = consumer.name.as_deref().unwrap_or("-");
                let (before, after) = (admission(&change.before), admission(&change.after));
                format!("{name} {} {} {before} → {after}", words(&change.regions), words(&change.services))
            })
            .collect();
        assert_eq!(lines, expected, "{old} → {new}");
    }
}

#[test]
fn with_unlisted_accounts_held_being_listed_can_be_a_loss() {
    let held = policy("endpoints: {unlisted: hold}");
    let listed = policy("endpoints: {unlisted: hold, consumers: [{account: '111111111111', regions: [eu-west-1]}]}");
    let found = diff(&held, &listed, AT.parse().unwrap());
    let actions: Vec<_> =
        found.consumers.iter().flat_map(|c| &c.changes).map(|c| (c.before.action, c.after.action)).collect();
    assert_eq!(actions, [(Action::Hold, Action::Accept), (Action::Hold, Action::Reject)]);
    assert!(found.unlisted.is_none());
    assert!(diff(&held, &policy(""), AT.parse().unwrap()).unlisted.is_some());
}
