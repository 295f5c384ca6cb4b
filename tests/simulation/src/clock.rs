//! The model's time, in seconds since its beginning, and the functions' clock, which it cannot set.

use policy::Timestamp;
use serde_json::Value;

/// Nearer to the functions' now than this is now.
const NOW: i64 = 30;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) now: i64,
}

impl Clock {
    /// A time as the functions write it.
    pub(crate) fn read(self, text: &str) -> Option<i64> {
        let time: Timestamp = text.parse().ok().filter(|_| text.len() > 19)?;
        let ago = Timestamp::now().duration_since(time).as_secs_f64();
        let ago = (ago + 0.25).floor();
        #[allow(clippy::cast_possible_truncation, reason = "seconds of a model that lasts hours")]
        let ago = ago as i64;
        assert!(ago.abs() < 10_000_000, "{text} is no time of the model");
        Some(if ago.abs() < NOW { self.now } else { self.now - ago })
    }

    /// A time of the model as the functions must read it.
    pub(crate) fn write(self, time: i64) -> String {
        let real = Timestamp::from_millisecond(Timestamp::now().as_millisecond() - 1_000 * (self.now - time)).unwrap();
        policy::sortable_time(real)
    }

    /// An item on its way into the model: its times become the model's.
    pub(crate) fn store(self, value: &Value) -> Value {
        self.map(value, &|clock, text| match clock.read(text) {
            Some(time) => Value::from(format!("model:{time}")),
            None => Value::from(text),
        })
    }

    /// An item on its way out.
    pub(crate) fn load(self, value: &Value) -> Value {
        self.map(value, &|clock, text| match text.strip_prefix("model:") {
            Some(time) => Value::from(clock.write(time.parse().unwrap())),
            None => Value::from(text),
        })
    }

    fn map(self, value: &Value, text: &dyn Fn(Self, &str) -> Value) -> Value {
        match value {
            Value::String(string) => text(self, string),
            Value::Array(values) => values.iter().map(|value| self.map(value, text)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.map(value, text))).collect(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_model_comes_back_however_much_later() {
        let then = Clock { now: 1_000 };
        let stored = then.store(&Value::from(policy::sortable_time(Timestamp::now())));
        assert_eq!(stored, "model:1000");
        let later = Clock { now: 5_000 };
        let read = later.load(&stored);
        assert_eq!(later.store(&read), stored, "written back as it was read");
        assert_eq!(then.store(&Value::from("2026")), "2026");
    }
}
