use policy::Timestamp;

/// The time between two moments in its largest unit: `45 s`, `12 min`, `5 h`, `31 d`.
pub(crate) fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_is_enough() {
        let from: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        for (to, expected) in [
            ("2026-11-25T00:00:00Z", "0 s"),
            ("2026-11-26T00:01:59Z", "119 s"),
            ("2026-11-26T01:59:59Z", "119 min"),
            ("2026-11-27T23:59:59Z", "47 h"),
            ("2026-12-27T00:00:00Z", "31 d"),
        ] {
            assert_eq!(age(from, to.parse().unwrap()), expected, "{to}");
        }
    }
}
