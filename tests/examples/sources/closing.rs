//! From the put of a denial to the close of a connection, by a runtime that is a process of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use local_stack::LocalStack;

use crate::gate::{Gate, Ground, binary, with_files};
use crate::table_server::TableServer;
use crate::{put, say};

async fn measured() -> PathBuf {
    match std::env::var_os("LINKWARD_RUNTIME") {
        Some(path) => path.into(),
        None => binary().await,
    }
}

/// With the table of the local AWS.
pub(crate) async fn locally(stack: &LocalStack, table: &str, puts: usize) {
    let ground = Ground::new();
    ground.write("access.json", r#"{"version":1,"trustDomain":"a.example","callers":[{"identity":"spiffe://a.example/0","permit":[{"paths":["/v1/0"]}]}]}"#);
    let settings = format!(
        "policy: {{ source: \"file:access.json\" }}\ndenyList: {{ source: \"dynamodb:{table}\", refresh: 1s }}\n"
    );
    let env = stack.env(&stack.provider());
    let gate = Gate::of(&measured().await, &ground, &with_files(&settings), &env).await.unwrap();
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    close(&gate, &ground, puts, async |serial| put(&client, table, &serial).await).await;
}

/// With tables of so many items.
pub(crate) async fn at_scale(entries: usize, callers: usize, puts: usize) {
    let server = TableServer::start(entries, callers).await;
    let ground = Ground::new();
    let settings = "policy: { source: \"dynamodb:access-policy\", refresh: 15s }\n\
                    denyList: { source: \"dynamodb:deny-list\", refresh: 1s }\n";
    let gate = Gate::of(&measured().await, &ground, &with_files(settings), &server.env()).await.unwrap();
    println!("{entries} denials and {callers} callers: ready after {:?}; {}", gate.ready_after, memory(&gate));
    close(&gate, &ground, puts, async |serial| server.put(&serial)).await;
    println!("{} pages read; {}", server.pages(), memory(&gate));
    let metrics = gate.metrics().await;
    let of = |name: &str| metrics.get(&format!("linkward_{name}")).copied().unwrap_or_default();
    println!(
        "entries in force {}, closed as the metric counts {}",
        of("deny_list_entries"),
        of("denial_closing_seconds_count")
    );
}

async fn close(gate: &Gate, ground: &Ground, puts: usize, put: impl AsyncFn(String)) {
    let mut took = Vec::with_capacity(puts);
    for n in 0..puts {
        let serial = 0xa0_0000 + u32::try_from(n).unwrap();
        let mut open = gate.connect(&ground.caller("0", serial)).await;
        assert_eq!(open.get("/v1/0").await.0, 200);
        // Not in step with the refresh.
        tokio::time::sleep(Duration::from_millis(37 * (n as u64 % 29))).await;
        let began = Instant::now();
        put(format!("{serial:x}")).await;
        took.push(open.closed().await - began);
    }
    say("put to closed", took);
}

/// What it has now and at most had.
fn memory(gate: &Gate) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.pid())).unwrap_or_default();
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
    format!("memory {}, at most {}", line("VmRSS:"), line("VmHWM:"))
}
