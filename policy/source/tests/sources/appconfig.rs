//! AppConfig's session protocol.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy::{Format, Revision, Timestamp};
use policy_source::{Load, PolicySource, VersionLabel};
use serde_json::{Value, json};
use wire_replay::{Answer, Call, Replay};

const POLICY: &str = "version: 1\ntrustDomain: internal.example\n";
const START: &str = "POST /configurationsessions";
const GET: &str = "GET /configuration";

fn source(replay: &Replay) -> PolicySource {
    let uri = "appconfig:linkward/prod/access-policy".parse().unwrap();
    PolicySource::with_sdk(&uri, Path::new(""), &replay.sdk_config()).unwrap()
}

fn session(token: &str) -> Answer {
    Answer::json(&json!({"InitialConfigurationToken": token}))
}

/// An answer after which the next call, with `token`, may follow at once.
fn content(token: &str, body: &str) -> Answer {
    content_then(token, 0, body)
}

fn content_then(token: &str, interval: u32, body: &str) -> Answer {
    let answer = Answer::bytes(200, body.as_bytes()).header("next-poll-configuration-token", token);
    answer.header("next-poll-interval-in-seconds", &interval.to_string()).header("content-type", "application/x-yaml")
}

fn bad_token(problem: &str) -> Answer {
    let details = json!({"InvalidParameters": {"configuration_token": {"Problem": problem}}});
    let body = json!({"message": "said by the replay", "reason": "InvalidParameters", "details": details});
    Answer::json_fault(400, &body).header("x-amzn-errortype", "BadRequestException")
}

fn tokens(replay: &Replay) -> Vec<String> {
    replay.calls_of(GET).iter().map(|call| call.query("configuration_token").unwrap()).collect()
}

async fn next(source: &mut PolicySource) -> Option<String> {
    source.fetch().await.unwrap().map(|document| String::from_utf8(document.bytes).unwrap())
}

fn count(replay: &Replay, operation: &str) -> usize {
    replay.calls_of(operation).len()
}

#[tokio::test]
async fn a_session_is_started_for_the_profile_and_gives_the_document() {
    let answer = content("2", POLICY).header("version-label", "v7");
    let replay = Replay::new().on(START, session("1")).on(GET, answer);
    let document = source(&replay).fetch().await.unwrap().unwrap();
    assert_eq!((document.revision.as_str(), document.format), ("v7", Format::Yaml));
    assert_eq!(document.bytes, POLICY.as_bytes());
    assert_eq!(document.name, "appconfig:linkward/prod/access-policy");
    let asked = json!({
        "ApplicationIdentifier": "linkward", "EnvironmentIdentifier": "prod",
        "ConfigurationProfileIdentifier": "access-policy", "RequiredMinimumPollIntervalInSeconds": 15,
    });
    assert_eq!(replay.calls_of(START).first().map(Call::json), Some(asked));
    assert_eq!(tokens(&replay), ["1"]);
}

#[tokio::test]
async fn without_a_label_the_revision_is_the_hash_and_json_is_read_as_json() {
    let answer = content("2", "one").header("content-type", "application/json");
    let replay = Replay::new().on(START, session("1")).on(GET, answer);
    let document = source(&replay).fetch().await.unwrap().unwrap();
    assert_eq!((document.revision.as_str(), document.format), ("sha256:7692c3ad3540bb80", Format::Json));
}

#[tokio::test]
async fn an_empty_answer_is_unchanged_and_each_token_is_used_once() {
    let replay = Replay::new().on(START, session("1")).on(GET, content("2", "one"));
    let replay = replay.on(GET, content("3", "")).on(GET, content("4", "two")).on(GET, content("5", "two"));
    let mut source = source(&replay);
    assert_eq!(next(&mut source).await.as_deref(), Some("one"));
    assert_eq!(next(&mut source).await, None);
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
    assert_eq!(next(&mut source).await, None, "the same again is unchanged too");
    assert_eq!(tokens(&replay), ["1", "2", "3", "4"]);
    assert_eq!(count(&replay, START), 1);
}

#[tokio::test]
async fn a_token_that_is_burnt_or_expired_costs_a_new_session_and_nothing_else() {
    for problem in ["Corrupted", "Expired", "PollIntervalNotSatisfied"] {
        let replay = Replay::new().on(START, session("1")).on(GET, content("2", "one"));
        let replay = replay.on(GET, bad_token(problem)).on(START, session("a")).on(GET, content("b", "one"));
        let replay = replay.on(GET, content("c", "two"));
        let mut source = source(&replay);
        next(&mut source).await.unwrap();
        assert_eq!(next(&mut source).await, None, "{problem}: the whole content again is no change");
        assert_eq!(next(&mut source).await.as_deref(), Some("two"));
        assert_eq!(tokens(&replay), ["1", "2", "a", "b"]);
    }
}

#[tokio::test]
async fn a_token_whose_call_failed_is_not_used_again() {
    let down = || Answer::json_error(500, "InternalServerException");
    let replay = Replay::new().on(START, session("1")).on(GET, content("2", "one"));
    let replay = [down(), down(), down()].into_iter().fold(replay, |replay, answer| replay.on(GET, answer));
    let replay = replay.on(START, session("a")).on(GET, content("b", "two"));
    let mut source = source(&replay);
    next(&mut source).await.unwrap();
    let error = source.fetch().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read `appconfig:linkward/prod/access-policy`: "), "{error}");
    assert!(error.contains("appconfig:GetLatestConfiguration"), "{error}");
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
    assert_eq!(tokens(&replay).last().map(String::as_str), Some("a"));
}

#[tokio::test]
async fn the_interval_that_appconfig_names_is_kept_and_who_must_know_sooner_starts_anew() {
    let replay = Replay::new().on(START, session("1")).on(GET, content_then("2", 60, "one"));
    let replay = replay.on(START, session("a")).on(GET, content_then("b", 0, "two"));
    let mut source = source(&replay);
    assert_eq!(source.rest(), Duration::ZERO);
    next(&mut source).await.unwrap();
    let rest = source.rest();
    assert!(rest > Duration::from_secs(50) && rest <= Duration::from_secs(60), "{rest:?}");
    // As a function does that is woken by the deployment: an early call would burn the token.
    assert_eq!(next(&mut source).await.as_deref(), Some("two"));
    assert_eq!(tokens(&replay), ["1", "a"]);
    assert_eq!(source.rest(), Duration::ZERO);
}

#[tokio::test]
async fn a_refused_document_does_not_pass_for_an_unchanged_one() {
    let replay = Replay::new().on(START, session("1")).on(GET, content("2", "version: nonsense"));
    let replay = replay.on(GET, content("3", "")).on(GET, content("4", POLICY)).on(GET, content("5", ""));
    let mut source = source(&replay);
    for _ in 0..2 {
        let error = source.load().await.unwrap_err().to_string();
        assert!(error.contains("appconfig:linkward/prod/access-policy:1:"), "{error}");
    }
    assert!(source.load().await.unwrap().is_some());
    assert!(source.load().await.unwrap().is_none());
    assert_eq!(count(&replay, START), 1, "the document is kept: no session is spent on giving it again");
}

#[tokio::test]
async fn where_nothing_is_deployed_is_said_with_the_remedy() {
    let replay = Replay::new().on(START, session("1")).on(GET, content("2", ""));
    let error = source(&replay).fetch().await.unwrap_err().to_string();
    let expected = "`appconfig:linkward/prod/access-policy` holds no configuration; deploy one to the environment";
    assert_eq!(error, expected);
    let missing: Value = json!({"Message": "no such application", "ResourceType": "Application"});
    let missing = Answer::json_fault(404, &missing).header("x-amzn-errortype", "ResourceNotFoundException");
    let error = source(&Replay::new().on(START, missing)).fetch().await.unwrap_err().to_string();
    assert!(error.contains("no such application") && error.contains("check application, environment"), "{error}");
}

#[tokio::test]
async fn a_label_moved_to_the_same_content_is_a_new_revision() {
    let labelled = |token: &str, label: &str| content(token, "one").header("version-label", label);
    let replay = Replay::new().on(START, session("1")).on(GET, labelled("2", "v1")).on(GET, labelled("3", "v2"));
    let mut source = source(&replay);
    next(&mut source).await.unwrap();
    assert_eq!(source.fetch().await.unwrap().unwrap().revision.as_str(), "v2");
}

/// A policy that differs from others by its note, published so many seconds from now.
fn published(note: &str, seconds: i64) -> Answer {
    let label = VersionLabel::of(
        &Revision::from(note),
        Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap(),
    );
    undated(note, &label.to_string())
}

/// The first reading is now, so what is news was published later: here by a clock that is ahead by less than a second.
fn soon(note: &str) -> Answer {
    let label = VersionLabel::of(&Revision::from(note), Timestamp::now() + Duration::from_millis(500));
    undated(note, &label.to_string())
}

fn undated(note: &str, label: &str) -> Answer {
    content("t", &format!("{POLICY}# {note}\n")).header("version-label", label)
}

/// The revisions that came into force, and how many seconds the observer was told each time.
async fn in_force(answers: impl IntoIterator<Item = Answer>) -> (Vec<String>, Vec<u64>) {
    let answers: Vec<Answer> = answers.into_iter().collect();
    let count = answers.len();
    let replay =
        answers.into_iter().fold(Replay::new().on(START, session("t")), |replay, answer| replay.on(GET, answer));
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let mut source = source(&replay).observed(move |took: Duration| teller.lock().unwrap().push(took.as_secs()));
    let mut revisions = Vec::new();
    for _ in 0..count {
        if let Ok(Some((revision, _))) = source.load().await {
            revisions.push(revision.to_string());
        }
    }
    let told = told.lock().unwrap().clone();
    (revisions, told)
}

#[tokio::test]
async fn a_label_with_a_time_says_how_long_the_policy_took_and_is_no_part_of_its_revision() {
    let (revisions, told) = in_force([published("one", -3600), soon("two")]).await;
    assert_eq!((revisions, told), (vec!["one".to_owned(), "two".to_owned()], vec![0]));
}

#[tokio::test]
async fn one_wrong_date_does_not_make_all_that_follow_look_old() {
    let (revisions, told) = in_force([published("one", -3600), published("two", 3600), soon("three")]).await;
    assert_eq!((revisions.len(), told), (3, vec![0]));
}

#[tokio::test]
async fn what_is_undated_deployed_again_or_dated_in_the_future_is_not_measured() {
    let (revisions, told) = in_force([
        published("one", -3600),
        undated("two", "v2"),
        undated("three", "v3@2026-11-26"),
        // A rollback, by a console, to what was published before this process began.
        published("four", -7200),
        published("five", 3600),
        // Older than what was read already.
        published("six", 1800),
    ])
    .await;
    assert_eq!(revisions, ["one", "v2", "v3@2026-11-26", "four", "five", "six"]);
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_policy_that_was_refused_is_not_measured_and_the_one_after_it_is() {
    let at = || VersionLabel::of(&Revision::from("r"), Timestamp::now() + Duration::from_millis(900)).to_string();
    let broken = content("t", "version: 1\n").header("version-label", &at());
    let (revisions, told) = in_force([published("one", -3600), broken]).await;
    assert_eq!((revisions.len(), told.len()), (1, 0));
    let broken = content("t", "version: 1\n").header("version-label", &at());
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (revisions, told) = in_force([published("one", -3600), broken, undated("two", &at())]).await;
    assert_eq!((revisions.len(), told.len()), (2, 1));
}
