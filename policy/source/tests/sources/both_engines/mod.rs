//! One policy as a document and as Rego, from every source: the same decisions.

mod engines;
mod generated;
mod rego;

use policy::access::AccessRequest;
use policy::{AccountId, RequestPath, SpiffeId, Timestamp, VpcEndpointId};
use policy_source::{Decision, Engine, RegoRequest};
use proptest::prelude::*;

use engines::from_every_source;
use generated::{Asked, any_document, any_request, identity};

fn decide(engine: &Engine, asked: &Asked) -> Decision {
    let identity: SpiffeId = identity(asked.identity).parse().unwrap();
    let account: Option<AccountId> = asked.account.map(|account| account.parse().unwrap());
    let endpoint: VpcEndpointId = "vpce-0a".parse().unwrap();
    let path = RequestPath::parse(asked.path).unwrap();
    let now: Timestamp = asked.now.parse().unwrap();
    let access = AccessRequest {
        identity: &identity,
        account: account.as_ref(),
        endpoint: account.as_ref().map(|_| &endpoint),
        method: asked.method,
        path: &path,
        now,
    };
    engine.authorize(&RegoRequest { access, common_name: None, serial_number: None, not_after: None, host: None })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_decide_alike_from_every_source(
        document in any_document(),
        requests in proptest::collection::vec(any_request(), 40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engines = runtime.block_on(from_every_source(&document));
        for asked in &requests {
            let expected = decide(&engines[0].1, asked);
            for (name, engine) in &engines[1..] {
                let decision = decide(engine, asked);
                prop_assert_eq!(
                    (decision.effect, decision.reason, &decision.rule),
                    (expected.effect, expected.reason, &expected.rule),
                    "{}: {:?}: {:?}", name, asked, decision.detail
                );
            }
        }
    }
}

/// The test above is worth something only if all kinds of decisions come up in it.
#[test]
fn generated_requests_meet_every_reason() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..48 {
        let document = any_document().new_tree(&mut runner).unwrap().current().to_string();
        let policy =
            policy::Policy::parse(document.as_bytes(), policy::Format::Json, "access.json", "1".into()).unwrap();
        let engine = Engine::Declarative(policy);
        for _ in 0..40 {
            let asked = any_request().new_tree(&mut runner).unwrap().current();
            met.insert(decide(&engine, &asked).reason.as_str());
        }
    }
    let all = [
        "accountMismatch",
        "endpointUnknown",
        "forbidden",
        "grantExpired",
        "noMatchingCaller",
        "noMatchingRule",
        "permitted",
    ];
    assert_eq!(met.into_iter().collect::<Vec<_>>(), all);
}
