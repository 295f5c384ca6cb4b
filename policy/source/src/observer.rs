//! How long a change took from its source to here.

use std::fmt;
use std::time::Duration;

use policy::Timestamp;

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
        for made in changes {
            // A writer's clock that is ahead makes it nothing, not less.
            observer(Duration::try_from(now.duration_since(made)).unwrap_or_default());
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
