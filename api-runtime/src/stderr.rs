//! What the process says of itself, written by a thread of its own: a pipe that nobody empties stops that thread, and no
//! other.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// So many lines may wait; those that come then are dropped.
const WAITING: usize = 4096;
/// How long the end of the process may wait for the last lines.
const LAST: Duration = Duration::from_secs(1);

/// Takes lines, each in one write.
#[derive(Clone, Debug)]
pub(crate) struct Stderr(SyncSender<Message>);

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Everything before it has been written.
    Flush(Sender<()>),
}

impl Stderr {
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    fn to(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (send, receive) = sync_channel(WAITING);
        std::thread::Builder::new().name("stderr".into()).spawn(move || write(sink, &receive))?;
        Ok(Self(send))
    }

    /// Waits until what was said is written, a second at most.
    pub(crate) fn flush_all(&self) {
        let (tell, told) = channel();
        if self.0.try_send(Message::Flush(tell)).is_ok() {
            let _ = told.recv_timeout(LAST);
        }
    }
}

fn write(mut sink: impl Write, messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        match message {
            // There is nobody left to tell.
            Message::Line(line) => drop(sink.write_all(&line)),
            Message::Flush(tell) => drop(tell.send(())),
        }
    }
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(Message::Line(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Stuck;

    impl Write for Stuck {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                std::thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_in_their_order_and_all_before_the_end() {
        let kept = Kept::default();
        let mut stderr = Stderr::to(kept.clone()).unwrap();
        let lines: String = (0..1000).map(|number| format!("{number}\n")).collect();
        lines.split_inclusive('\n').for_each(|line| stderr.write_all(line.as_bytes()).unwrap());
        stderr.flush_all();
        assert_eq!(*kept.0.lock().unwrap(), lines.as_bytes());
    }

    #[test]
    fn nobody_waits_for_a_pipe_that_is_stuck() {
        let started = Instant::now();
        let mut stderr = Stderr::to(Stuck).unwrap();
        for _ in 0..3 * WAITING {
            stderr.write_all(b"a line\n").unwrap();
        }
        stderr.flush_all();
        assert!(started.elapsed() < LAST * 3, "{:?}", started.elapsed());
    }
}
