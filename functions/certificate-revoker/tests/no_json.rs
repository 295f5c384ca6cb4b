//! What is no JSON never becomes an event: the real binary answers it with an error and goes on. All functions read their
//! events this way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::convert::Infallible;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::process::Command;

const AUTHORITY: &str =
    "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";
/// Generous: the machine may be busy.
const SOON: Duration = Duration::from_secs(60);

/// Lambda and AWS in one: the bodies that are still to be handed over, and what else came, by path.
#[derive(Default)]
struct World {
    bodies: Vec<(String, Vec<u8>)>,
    came: Vec<(String, String)>,
}

async fn answer(world: Arc<Mutex<World>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let said = request.into_body().collect().await.unwrap().to_bytes();
    if !path.ends_with("/next") {
        world.lock().unwrap().came.push((path, String::from_utf8_lossy(&said).into_owned()));
        return Ok(Response::new("{}".into()));
    }
    let next = world.lock().unwrap().bodies.pop();
    let Some((name, body)) = next else { return std::future::pending().await };
    let answer = Response::builder().header("lambda-runtime-aws-request-id", name);
    let answer = answer.header("lambda-runtime-deadline-ms", jiff::Timestamp::now().as_millisecond() + 30_000);
    Ok(answer.header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:f").body(body.into()).unwrap())
}

/// Hands one body after the other to one process; everything it said until the last was answered.
async fn invoke(bodies: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
    let count = bodies.len();
    let world = Arc::new(Mutex::new(World { bodies, ..World::default() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = Arc::clone(&world);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let world = Arc::clone(&served);
            let service = service_fn(move |request| answer(Arc::clone(&world), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_certificate-revoker"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", &*address),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "f"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "f"),
        ("AWS_ENDPOINT_URL", &format!("http://{address}")),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", written::CANARY),
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", AUTHORITY),
    ]);
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    while world.lock().unwrap().came.len() < count {
        assert!(began.elapsed() < SOON, "no answer: {:?}", world.lock().unwrap().came);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.start_kill().unwrap();
    let output = child.wait_with_output().await.unwrap();
    written::check("certificate-revoker", String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap());
    world.lock().unwrap().came.clone()
}

#[tokio::test]
async fn what_is_no_json_fails_the_invocation_and_calls_nobody() {
    let mut bodies = wire_replay::events::no_json();
    // Handed over last, by the same process: it has outlived the others.
    bodies.insert(0, ("no-event".to_owned(), b"{}".to_vec()));
    let names: Vec<_> = bodies.iter().rev().map(|(name, _)| name.clone()).collect();
    let came = invoke(bodies).await;
    let paths: Vec<_> = came.iter().map(|(path, _)| path.as_str()).collect();
    let errors = names.iter().map(|name| format!("/2018-06-01/runtime/invocation/{name}/error"));
    assert_eq!(paths, errors.collect::<Vec<_>>(), "{came:?}");
    let (last, others) = came.split_last().unwrap();
    assert!(last.1.contains("field `source` is missing"), "{last:?}");
    for (path, said) in others {
        assert!(said.contains("failed to deserialize the incoming data"), "{path}: {said}");
    }
}
