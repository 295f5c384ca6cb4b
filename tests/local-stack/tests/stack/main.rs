//! What the emulators do, from outside: by the Rust SDKs and by the crate's own EC2 client. All tests of this binary share one
//! stack; each that offers a service does so in an account of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod authority;
mod connections;
mod deployed;
mod events;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use local_stack::{Account, LocalStack, LocalStackOptions};
use tokio::sync::OnceCell;

/// Long enough to be seen.
const PENDING_FOR: Duration = Duration::from_millis(700);
const ISSUANCE_DELAY: Duration = Duration::from_millis(400);

/// The consumer of these tests.
const CONSUMER: &str = "123456789012";

static STACK: OnceCell<LocalStack> = OnceCell::const_new();
static ACCOUNTS: AtomicU32 = AtomicU32::new(1);

/// The shared stack. It ends with this process: nothing drops a static.
async fn stack() -> &'static LocalStack {
    let options =
        LocalStackOptions { pending_for: PENDING_FOR, issuance_delay: ISSUANCE_DELAY, ..LocalStackOptions::default() };
    STACK.get_or_init(async || LocalStack::start(options).await.unwrap()).await
}

/// An account that no other test uses.
fn own_account(stack: &LocalStack) -> Account {
    stack.account(&format!("{:012}", 700_000_000 + ACCOUNTS.fetch_add(1, Ordering::Relaxed)))
}

/// Asks again until there is something, for ten seconds at most.
async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: not within 10 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Since 1970, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "a test compares with the clock of its machine")]
fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
