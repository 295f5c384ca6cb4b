//! One line that shows how far long work has come, on a terminal only.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(100);
/// Work that ends sooner is not worth a line.
const PATIENCE: Duration = Duration::from_millis(300);
/// Characters of the bar.
const WIDTH: u64 = 24;

/// The line, on standard error; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    live: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { live: super::live(&std::io::stderr()), shown: false, next: Instant::now() + PATIENCE }
    }

    /// Shows `done` of `total`, and these words behind it, if it is time to. With no total there is no bar.
    pub(crate) fn at(&mut self, done: u64, total: u64, words: impl FnOnce() -> String) {
        if !self.live || Instant::now() < self.next {
            return;
        }
        self.shown = true;
        self.next = Instant::now() + TICK;
        // Without automatic margins the terminal clips the line, so that one carriage return always gets back to its start.
        let line = format!("\r\x1b[2K\x1b[?7l{} {}\x1b[?7h", bar(done, total), words());
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = std::io::stderr().lock().write_all(b"\r\x1b[2K");
        }
    }
}

fn bar(done: u64, total: u64) -> String {
    if total == 0 {
        return "…".to_owned();
    }
    let done = done.min(total);
    let full = done.saturating_mul(WIDTH) / total;
    let cells: String = (0..WIDTH).map(|cell| if cell < full { '█' } else { '░' }).collect();
    format!("{cells} {:>3} %", done.saturating_mul(100) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 10), format!("{}   0 %", "░".repeat(24)));
        assert_eq!(bar(5, 10), format!("{}{}  50 %", "█".repeat(12), "░".repeat(12)));
        assert_eq!(bar(11, 10), format!("{} 100 %", "█".repeat(24)));
        assert_eq!(bar(3, 0), "…");
    }
}
