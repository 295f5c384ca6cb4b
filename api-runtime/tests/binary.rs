//! The binary: its arguments, its signals, its ways out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};
use support::client::Caller;
use support::{ORDERS, SOON, Setup};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn binary(setup: &Setup) -> Command {
    setup.write("runtime.yaml", &setup.yaml());
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
    command.arg("--config").arg(setup.path("runtime.yaml")).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it and reads from its log where callers connect.
async fn started(setup: &Setup) -> (Child, std::net::SocketAddr) {
    let mut child = binary(setup).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut kept = written::Lines::of("api-runtime");
    let addr = loop {
        let line = timeout(SOON, log.next_line()).await.unwrap().unwrap().expect("it ended");
        kept.keep(&line);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(addr) = line["callers"].as_str() {
            break addr.parse().unwrap();
        }
    };
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            kept.keep(&line);
        }
    });
    (child, addr)
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());
}

async fn output(mut command: Command) -> (bool, String, String) {
    let output = written::output("api-runtime", timeout(SOON, command.output()).await.unwrap().unwrap());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn it_writes_lines_to_stdout_and_nothing_else_and_drains_on_sigterm() {
    let setup = Setup::new().top("telemetry: { accessLog: stdout }\nlimits: { drain: 300ms }");
    let (mut child, addr) = started(&setup).await;
    let caller = Caller::new(addr, &setup.authority.pem, Some(&setup.caller(ORDERS)));
    assert_eq!(caller.get("/v1/a").await.status, 200);
    let terminated = Instant::now();
    signal(&child, "TERM").await;
    assert_eq!(caller.get("/v1/b").await.status, 200);
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
    written::check("api-runtime", &stdout);
    assert!(timeout(SOON, child.wait()).await.unwrap().unwrap().success());
    assert!(terminated.elapsed() >= Duration::from_millis(300));
    let lines: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["path"].as_str().unwrap()).collect::<Vec<_>>(), ["/v1/a", "/v1/b"]);
}

#[tokio::test]
async fn sigint_does_not_wait_for_the_balancer() {
    let setup = Setup::new().top("limits: { drain: 1h }");
    let (mut child, _) = started(&setup).await;
    signal(&child, "INT").await;
    assert!(timeout(Duration::from_secs(3), child.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn a_second_signal_ends_the_drain() {
    let setup = Setup::new().top("limits: { drain: 1h }");
    let (mut child, _) = started(&setup).await;
    signal(&child, "TERM").await;
    assert!(timeout(Duration::from_millis(500), child.wait()).await.is_err());
    signal(&child, "TERM").await;
    assert!(timeout(Duration::from_secs(3), child.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn check_says_whether_everything_can_be_used() {
    let setup = Setup::new();
    let mut check = binary(&setup);
    check.arg("--check");
    assert!(output(check).await.0);

    let setup = Setup::new();
    setup.write("access.yaml", "version: 1\ntrustDomain: internal.example\ncalers: []\n");
    let mut check = binary(&setup);
    check.arg("--check");
    let (success, stdout, stderr) = output(check).await;
    assert!(!success && stdout.is_empty() && stderr.contains("calers") && stderr.contains("access.yaml"), "{stderr}");
}

#[tokio::test]
async fn a_configuration_in_the_environment_is_as_good_as_a_file() {
    let setup = Setup::new();
    for (text, valid) in [(setup.yaml(), true), (setup.yaml() + "limit: { drain: 1s }\n", false)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
        command.arg("--check").env("LINKWARD_CONFIG", text).current_dir(setup.dir.path()).kill_on_drop(true);
        let (success, _, stderr) = output(command).await;
        assert_eq!((success, stderr.contains("limits")), (valid, !valid), "{stderr}");
    }
}

#[tokio::test]
async fn without_configuration_it_says_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
    command.env_remove("LINKWARD_CONFIG").kill_on_drop(true);
    let (success, _, stderr) = output(command).await;
    assert!(!success && stderr.contains("--config"), "{stderr}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = Setup::new();
    let mut command = binary(&setup);
    setup.write("runtime.yaml", &setup.yaml().replacen("listen: 127.0.0.1:0", &format!("listen: {address}"), 1));
    command.env("RUST_LOG", "off");
    let (success, _, stderr) = output(command).await;
    assert!(!success && stderr.contains(&address.to_string()), "{stderr}");
}

/// Both ends of the process's talk may be pipes that nobody empties: a stuck log shipper, a stopped terminal.
#[tokio::test]
async fn pipes_that_nobody_reads_stop_no_request() {
    let setup = Setup::new().top("telemetry: { accessLog: stdout }\nlimits: { drain: 100ms }");
    let mut command = binary(&setup);
    let mut child = command.env("RUST_LOG", "trace").spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let addr = loop {
        let line = timeout(SOON, stderr.next_line()).await.unwrap().unwrap().expect("it ended");
        written::check("api-runtime", &line);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(addr) = line["callers"].as_str() {
            break addr.parse().unwrap();
        }
    };
    let caller = Caller::new(addr, &setup.authority.pem, Some(&setup.caller(ORDERS)));
    let mut raw = caller.raw().await;
    // Each is several lines of the one log, and half a kilobyte of the other; a pipe holds 64.
    for _ in 0..600 {
        assert_eq!(raw.get("/v1/a").await.status, 200);
    }
    assert_eq!(caller.get("/v1/a").await.status, 200);
    signal(&child, "TERM").await;
    assert!(timeout(SOON, child.wait()).await.unwrap().unwrap().success(), "and it ends");
    drop(stderr);
}
