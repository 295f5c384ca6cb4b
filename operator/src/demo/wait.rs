//! Waiting for what others do, never for ever.

use std::time::{Duration, Instant};

/// How long anything in the story may take; generous, as the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks again until there is an answer; `what` completes "waited 60 s for …". An error of `ask` is only told when patience ends.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    until_within(PATIENCE, what, ask).await
}

async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        let asked = ask().await;
        match asked {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if began.elapsed() > patience => {
                return Err(error.context(format!("waited {} s for {what}", patience.as_secs())));
            }
            Ok(None) if began.elapsed() > patience => anyhow::bail!("waited {} s for {what}", patience.as_secs()),
            Ok(None) | Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_never_comes_ends_the_wait_and_the_last_error_is_told() {
        let error = until_within::<()>(Duration::from_secs(1), "a miracle", async || anyhow::bail!("not today")).await;
        assert_eq!(format!("{:#}", error.unwrap_err()), "waited 1 s for a miracle: not today");
    }

    #[tokio::test]
    async fn errors_on_the_way_to_an_answer_do_not_count() {
        let mut left = 2;
        let answer = until("an answer", async || {
            left -= 1;
            if left > 0 { anyhow::bail!("not yet") } else { Ok(Some(left)) }
        });
        assert_eq!(answer.await.unwrap(), 0);
    }
}
