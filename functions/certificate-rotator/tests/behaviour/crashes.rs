//! The process crashes after any call: the call took effect, and nobody learned of it.

use serde_json::Value;

use crate::issuances::issuance;
use crate::stage::{FIRST, SECOND, STEPS, Stage, event};

/// Plays a rotation that crashes after so many calls, then each step again from there; whether it crashed at all.
fn play(stage: &Stage, crash_after: usize, meanwhile: impl Fn(&Stage)) -> bool {
    {
        let mut state = stage.world.state();
        state.secrets.begin(FIRST);
        (state.calls, state.crash_after) = (0, Some(crash_after));
    }
    let mut crashed = false;
    for step in STEPS {
        while stage
            .invoke(&event(step, FIRST))
            .map(|outcome| outcome.unwrap_or_else(|e| panic!("{crash_after} {step}: {e}")))
            .is_none()
        {
            crashed = true;
            meanwhile(stage);
        }
    }
    crashed
}

/// The current value is whole, its key is the certificate's (finishSecret compares them), and nothing is left lying about.
fn assert_rotated(stage: &Stage, what: usize) -> Value {
    let state = stage.world.state();
    let (current, _) = state.secrets.with("AWSCURRENT").unwrap_or_else(|| panic!("{what}: nothing is current"));
    assert_eq!(current, FIRST, "{what}");
    assert_eq!(state.secrets.with("LINKWARDDRAFT"), None, "{what}");
    assert_eq!(state.secrets.with("AWSPENDING"), None, "{what}");
    state.secrets.value("AWSCURRENT")
}

/// A secret for a client, and one for a server.
const SECRETS: [fn() -> Stage; 2] = [Stage::new, Stage::server];

#[test]
fn after_a_crash_anywhere_the_rotation_goes_on_with_the_same_certificate() {
    for secret in SECRETS {
        for crash_after in 1.. {
            let stage = secret();
            let crashed = play(&stage, crash_after, |_| {});
            assert_rotated(&stage, crash_after);
            let state = stage.world.state();
            let count = (state.authority.issued.len(), state.authority.revoked.len(), state.rows.len());
            assert_eq!(count, (1, 0, 1), "crash after {crash_after}");
            if !crashed {
                assert!(crash_after > 20, "only {crash_after} calls");
                break;
            }
        }
    }
}

/// The authority forgets tokens after five minutes; what was written of the time is set back by as much.
pub(crate) fn ten_minutes_pass(stage: &Stage) {
    let mut state = stage.world.state();
    state.age(600);
    state.authority.tokens.clear();
    for version in state.secrets.versions.values_mut() {
        let Some(mut value) = version.value.as_deref().map(|text| serde_json::from_str::<Value>(text).unwrap()) else {
            continue;
        };
        let Some(attempts) = value.get_mut("attempts").and_then(Value::as_array_mut) else { continue };
        for attempt in attempts {
            let time: policy::Timestamp = attempt.as_str().unwrap().parse().unwrap();
            let earlier = policy::Timestamp::from_second(time.as_second() - 600).unwrap();
            *attempt = earlier.to_string().into();
        }
        version.value = Some(value.to_string());
    }
}

#[test]
fn also_when_it_goes_on_only_after_the_authority_has_forgotten_there_is_at_most_one_more_and_it_is_revoked() {
    for secret in SECRETS {
        let mut orphans = 0;
        for crash_after in 1.. {
            let stage = secret();
            let crashed = play(&stage, crash_after, ten_minutes_pass);
            let value = assert_rotated(&stage, crash_after);
            let issued = stage.world.state().authority.issued.len();
            stage.world.state().crash_after = None;
            // What the authority tells of its certificates comes late, and twice.
            for number in (1..=issued).chain(1..=issued) {
                stage.invoke(&issuance(&stage, number)).unwrap().unwrap();
            }
            let state = stage.world.state();
            assert!(issued <= 2, "crash after {crash_after}: {issued}");
            assert_eq!(value["certificate"], state.authority.issued.last().unwrap().1, "crash after {crash_after}");
            assert_eq!(state.authority.revoked.len(), issued - 1, "crash after {crash_after}");
            let recorded = state.rows.values().filter(|row| row["orphan"]["BOOL"] == true).count();
            assert_eq!((recorded, state.rows.len()), (issued - 1, issued), "crash after {crash_after}");
            assert!(!state.authority.revoked.contains(&format!("0{}", value["serialNumber"].as_str().unwrap())));
            orphans += issued - 1;
            if !crashed {
                break;
            }
        }
        assert_eq!(orphans, 1, "only a crash right after IssueCertificate loses an answer");
    }
}

#[test]
fn when_the_authority_told_in_between_there_is_none() {
    for secret in SECRETS {
        for crash_after in 1.. {
            let stage = secret();
            let crashed = play(&stage, crash_after, |stage| {
                let issued = stage.world.state().authority.issued.len();
                (1..=issued).for_each(|number| drop(stage.invoke(&issuance(stage, number)).unwrap().unwrap()));
                ten_minutes_pass(stage);
            });
            assert_rotated(&stage, crash_after);
            let state = stage.world.state();
            let count = (state.authority.issued.len(), state.authority.revoked.len(), state.rows.len());
            assert_eq!(count, (1, 0, 1), "crash after {crash_after}");
            assert!(state.rows["ab001"]["secret"]["S"].is_string() && state.rows["ab001"].get("withdrawn").is_none());
            if !crashed {
                break;
            }
        }
    }
}

#[test]
fn a_third_certificate_is_not_asked_for() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    for _ in 0..2 {
        stage.world.state().crash_at = Some("IssueCertificate");
        assert!(stage.invoke(&event(STEPS[0], FIRST)).is_none());
        ten_minutes_pass(&stage);
    }
    let (word, message) = stage.failure(STEPS[0], FIRST);
    assert_eq!((word, message.contains("two certificates")), ("gaveUp", true), "{message}");
    assert_eq!(stage.world.state().authority.issued.len(), 2);
}

#[test]
fn a_rotation_that_begins_anew_goes_on_with_what_the_failed_one_left() {
    for crash_after in 1..20 {
        let stage = Stage::new();
        {
            let mut state = stage.world.state();
            state.secrets.begin(FIRST);
            state.crash_after = Some(crash_after);
        }
        if stage.invoke(&event(STEPS[0], FIRST)).is_some() {
            break;
        }
        // A whole version that was pending is nobody's draft any more: then the next has to wait.
        let waits = stage.world.state().secrets.with("LINKWARDDRAFT").is_none()
            && stage.world.state().secrets.versions[FIRST].value.is_some();
        if waits {
            stage.world.state().secrets.begin(SECOND);
            assert_eq!(stage.failure(STEPS[0], SECOND).0, "tooFast", "crash after {crash_after}");
            stage.an_hour_passes();
        }
        // As AWS's troubleshooting page says: take AWSPENDING away, and rotate again.
        stage.rotate(SECOND);
        let state = stage.world.state();
        assert_eq!(state.secrets.with("AWSCURRENT").unwrap().0, SECOND);
        assert_eq!(state.secrets.with("LINKWARDDRAFT"), None, "crash after {crash_after}");
        assert_eq!(state.authority.issued.len(), 1 + usize::from(waits), "crash after {crash_after}");
    }
}

#[test]
fn secrets_manager_may_go_on_with_the_id_of_the_draft() {
    let stage = Stage::new();
    {
        let mut state = stage.world.state();
        state.secrets.begin(FIRST);
        state.faults.push(("IssueCertificate", "InvalidStateException"));
    }
    stage.failure(STEPS[0], FIRST);
    let pending = stage.world.state().secrets.with("AWSPENDING").unwrap().0.clone();
    assert_ne!(pending, FIRST);
    assert!(
        stage.world.state().secrets.value("AWSPENDING")["privateKey"].is_string(),
        "the key is kept before anything is issued"
    );
    for step in STEPS {
        stage.step(step, &pending).unwrap_or_else(|failure| panic!("{step}: {failure}"));
    }
    assert_rotated(&stage, 0);
    assert_eq!(stage.world.state().authority.issued.len(), 1);
}

#[test]
fn a_draft_that_is_pending_after_its_rotation_has_ended_is_tidied_up() {
    // A second invocation of createSecret, slower than all the others, kept the draft once more and crashed.
    for step in [STEPS[0], STEPS[3]] {
        let stage = Stage::new();
        stage.rotate(FIRST);
        let draft = stage.world.state().secrets.versions.keys().find(|id| *id != FIRST).unwrap().clone();
        ["AWSPENDING", "LINKWARDDRAFT"].iter().for_each(|label| stage.world.state().secrets.label(&draft, label));
        stage.step(step, &draft).unwrap();
        assert_rotated(&stage, 0);
    }
}

#[test]
fn what_a_failed_rotation_left_outlives_a_late_step_of_the_current_version() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    stage.an_hour_passes();
    stage.world.state().secrets.begin(SECOND);
    stage.world.state().faults.push(("GetCertificate", "ResourceNotFoundException"));
    stage.failure(STEPS[0], SECOND);
    // As AWS's troubleshooting page says: take AWSPENDING away.
    for version in stage.world.state().secrets.versions.values_mut() {
        version.labels.remove("AWSPENDING");
    }
    stage.step(STEPS[3], FIRST).unwrap();
    assert!(stage.world.state().secrets.with("LINKWARDDRAFT").is_some());
}

#[test]
fn what_a_failed_rotation_left_too_long_ago_is_revoked() {
    let stage = Stage::new();
    {
        let mut state = stage.world.state();
        state.secrets.begin(FIRST);
        state.faults.push(("GetCertificate", "ResourceNotFoundException"));
    }
    stage.failure(STEPS[0], FIRST);
    (0..7).for_each(|_| ten_minutes_pass(&stage));
    stage.rotate(SECOND);
    let state = stage.world.state();
    assert_eq!((state.authority.issued.len(), state.authority.revoked.len()), (2, 1));
    assert!(state.authority.revoked.contains("0ab001"));
    assert_eq!(state.rows["ab001"]["orphan"]["BOOL"], true);
    assert_eq!(state.secrets.with("LINKWARDDRAFT"), None);
    drop(state);
    let events = stage.events();
    let (_, revoked) = events.iter().find(|(detail_type, _)| detail_type == "Certificate Revoked").unwrap();
    assert_eq!((&revoked["serialNumber"], &revoked["requestedBy"]), (&"ab001".into(), &"certificate-rotator".into()));
}

#[test]
fn two_invocations_at_once_agree_on_one_key() {
    // The second has read everything before the first wrote anything: it finds the version taken.
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    stage.step(STEPS[0], FIRST).unwrap();
    let mut other = Stage::new();
    other.world.state().secrets.begin(FIRST);
    let drafts: Vec<_> =
        stage.world.state().secrets.versions.clone().into_iter().filter(|(id, _)| id != FIRST).collect();
    for (id, mut version) in drafts {
        version.labels.clear();
        other.world.state().secrets.versions.insert(id, version);
    }
    std::mem::swap(&mut stage.world.state().authority, &mut other.world.state().authority);
    other.step(STEPS[0], FIRST).unwrap();
    assert_eq!(other.world.state().authority.issued.len(), 1);
    other = other.with("LINKWARD_EVENT_BUS", "");
    STEPS[1..].iter().for_each(|step| drop(other.step(step, FIRST).unwrap()));
}
