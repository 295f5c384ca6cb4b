//! How long a change took from its source to here.

use std::fmt;
use std::time::Duration;

use policy::Timestamp;

/// A change made so much later than now was made by a clock that is ahead a little.
const TOLERATED: Duration = Duration::from_secs(1);

/// Told how long each change took.
#[derive(Default)]
pub(crate) struct Observer(Option<Box<dyn Fn(Duration) + Send>>);

impl Observer {
    pub(crate) fn new(observer: impl Fn(Duration) + Send + 'static) -> Self {
        Self(Some(Box::new(observer)))
    }

    /// Tells of changes that were made at these times and come into force now.
    pub(crate) fn tell(&self, changes: impl IntoIterator<Item = Timestamp>) {
        let Some(observer) = &self.0 else { return };
        let now = Timestamp::now();
        changes.into_iter().filter_map(|made| took(made, now)).for_each(observer);
    }
}

/// A writer's clock that is a little ahead makes it nothing, not less. One that is far ahead is wrong: how long it took
/// nobody knows.
fn took(made: Timestamp, now: Timestamp) -> Option<Duration> {
    match Duration::try_from(now.duration_since(made)) {
        Ok(took) => Some(took),
        Err(_) if made.duration_since(now).unsigned_abs() <= TOLERATED => Some(Duration::ZERO),
        Err(_) => {
            tracing::warn!(%made, "a change is dated in the future; the clock of its writer, or of this machine, is wrong");
            None
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_the_future_is_no_measurement() {
        let now: Timestamp = "2026-11-26T07:31:02Z".parse().unwrap();
        for (made, expected) in [
            ("2026-11-26T07:31:00.5Z", Some(Duration::from_millis(1500))),
            ("2026-11-26T07:31:02Z", Some(Duration::ZERO)),
            ("2026-11-26T07:31:03Z", Some(Duration::ZERO)),
            ("2026-11-26T07:31:03.001Z", None),
            ("2036-11-26T07:31:02Z", None),
        ] {
            assert_eq!(took(made.parse().unwrap(), now), expected, "{made}");
        }
    }
}
