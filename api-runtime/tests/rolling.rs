//! A rolling replacement behind a TCP balancer, with processes and signals: no request fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::client::{Caller, Raw, get};
use support::{ORDERS, SOON, Setup};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

struct Task {
    child: Child,
    callers: SocketAddr,
    health: SocketAddr,
}

impl Task {
    async fn start(setup: &Setup) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
        command.arg("--config").arg(setup.path("runtime.yaml")).kill_on_drop(true);
        let mut child =
            command.stdin(Stdio::null()).stdout(written::file("api-runtime")).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut kept = written::Lines::of("api-runtime");
        loop {
            let line = timeout(SOON, log.next_line()).await.unwrap().unwrap().expect("it ended");
            kept.keep(&line);
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let address = |name: &str| line[name].as_str()?.trim_matches(|c| "Some()".contains(c)).parse().ok();
            if let (Some(callers), Some(health)) = (address("callers"), address("health")) {
                tokio::spawn(async move {
                    while let Ok(Some(line)) = log.next_line().await {
                        kept.keep(&line);
                    }
                });
                return Self { child, callers, health };
            }
        }
    }

    async fn terminate(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().await.unwrap().success());
        assert!(timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap().success());
    }
}

/// Gives new connections to targets that say they are healthy, in turn; open ones it leaves alone, as an NLB does.
#[derive(Clone, Default)]
struct Balancer {
    targets: Arc<Mutex<Vec<(SocketAddr, SocketAddr, bool)>>>,
    turn: Arc<AtomicUsize>,
}

impl Balancer {
    async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let checks = self.clone();
        tokio::spawn(async move {
            loop {
                checks.check().await;
                sleep(Duration::from_millis(100)).await;
            }
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(self.clone().connect(client));
            }
        });
        addr
    }

    fn add(&self, task: &Task) {
        self.targets.lock().unwrap().push((task.callers, task.health, false));
    }

    async fn until_healthy(&self, count: usize) {
        support::eventually(|| (self.healthy().len() == count).then_some(())).await;
    }

    fn healthy(&self) -> Vec<SocketAddr> {
        self.targets.lock().unwrap().iter().filter(|target| target.2).map(|target| target.0).collect()
    }

    async fn check(&self) {
        let targets = self.targets.lock().unwrap().clone();
        for (callers, health, _) in targets {
            let healthy =
                timeout(Duration::from_secs(5), is_healthy(health)).await.is_ok_and(|answer| answer.is_some());
            let mut targets = self.targets.lock().unwrap();
            targets.iter_mut().filter(|target| target.0 == callers).for_each(|target| target.2 = healthy);
        }
    }

    async fn connect(self, mut client: TcpStream) {
        let healthy = self.healthy();
        let target = healthy[self.turn.fetch_add(1, Ordering::Relaxed) % healthy.len()];
        let mut upstream = TcpStream::connect(target).await.expect("a healthy target refuses");
        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
    }
}

async fn is_healthy(addr: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(addr).await.ok()?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
}

/// What a caller does that reads what it is told: it connects again after `connection: close`.
async fn call_http1(caller: Caller, over: Arc<AtomicBool>, served: Arc<AtomicU64>) {
    while !over.load(Ordering::Relaxed) {
        let mut raw = Raw(caller.connect().await.expect("a connection was refused"));
        for _ in 0..500 {
            let answer = raw.get("/v1/a").await;
            assert_eq!(answer.status, 200);
            served.fetch_add(1, Ordering::Relaxed);
            if answer.header("connection") == Some("close") || over.load(Ordering::Relaxed) {
                break;
            }
        }
    }
}

/// After GOAWAY, what was not sent any more goes to the next connection.
async fn call_http2(caller: Caller, over: Arc<AtomicBool>, served: Arc<AtomicU64>) {
    while !over.load(Ordering::Relaxed) {
        let (mut sender, _connection) = caller.hyper2().await;
        while !over.load(Ordering::Relaxed) && sender.ready().await.is_ok() {
            match sender.send_request(get("/v1/a")).await {
                Ok(answer) => assert_eq!(answer.status(), 200),
                Err(error) if error.is_canceled() => break,
                Err(error) => panic!("{error:?}"),
            }
            served.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_every_task_is_replaced() {
    let setup = Setup::new().top("healthListen: 127.0.0.1:0\nlimits: { drain: 1s, connectionAge: 1s }");
    setup.write("runtime.yaml", &setup.yaml());
    let (first, second) = (Task::start(&setup).await, Task::start(&setup).await);
    let balancer = Balancer::default();
    balancer.add(&first);
    balancer.add(&second);
    let addr = balancer.clone().start().await;
    balancer.until_healthy(2).await;
    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let caller = Caller::new(addr, &setup.authority.pem, Some(&setup.caller(ORDERS)));
            let (over, served) = (Arc::clone(&over), Arc::clone(&served));
            match number % 2 {
                0 => tokio::spawn(call_http1(caller, over, served)),
                _ => tokio::spawn(call_http2(caller, over, served)),
            }
        })
        .collect();
    sleep(Duration::from_millis(500)).await;
    // They stay until the end of the test.
    let mut started = Vec::new();
    for old in [first, second] {
        let new = Task::start(&setup).await;
        balancer.add(&new);
        let before = served.load(Ordering::Relaxed);
        balancer.until_healthy(2).await;
        old.terminate().await;
        assert!(served.load(Ordering::Relaxed) > before);
        started.push(new);
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("a request failed");
    }
}
