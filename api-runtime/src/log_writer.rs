//! The one writer of access-log lines. A request appends its line to its thread's buffer and goes on; a thread of its
//! own writes the buffers out. When the sink is stuck or full, lines are dropped and counted: no request ever waits.

use crate::sharded::Sharded;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What all buffers together may hold while the sink is stuck.
const BUFFERED: usize = 8 << 20;
/// A buffer this full is written at once, a lesser one after [`PAUSE`]; see [`room`].
const FULL: usize = 512 << 10;
const PAUSE: Duration = Duration::from_millis(50);
/// A buffer that grew beyond this in a burst is given back afterwards.
const KEPT: usize = 1 << 20;
/// How long the end of the process may wait for the last lines.
const LAST: Duration = Duration::from_secs(2);

/// Takes lines from any thread, at the price of an uncontended lock and a copy.
#[derive(Debug)]
pub(crate) struct LogWriter {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Queue {
    buffers: Sharded<Mutex<Vec<u8>>>,
    /// So much of a buffer is written at once.
    full: usize,
    /// The most that one buffer holds.
    limit: usize,
    /// Whether the writer is awake or has been woken: only the first line after a pause pays for waking it.
    woken: AtomicBool,
    writer: Mutex<Option<std::thread::Thread>>,
    closing: AtomicBool,
    dropped: AtomicU64,
}

impl LogWriter {
    /// Writes to the process's standard output.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn to_stdout() -> io::Result<Self> {
        Self::start(io::stdout())
    }

    /// Appends to a file, which is made if it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread can be started.
    pub(crate) fn to_file(path: &Path) -> io::Result<Self> {
        Self::start(OpenOptions::new().append(true).create(true).open(path)?)
    }

    fn start(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let buffers = Sharded::new(|| Mutex::new(Vec::new()));
        let (full, limit) = room(buffers.len());
        let queue = Arc::new(Queue {
            buffers,
            full,
            limit,
            woken: AtomicBool::new(false),
            writer: Mutex::new(None),
            closing: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        });
        let theirs = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("access-log".into()).spawn(move || theirs.write_to(sink))?;
        *locked(&queue.writer) = Some(thread.thread().clone());
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Appends one line, which `render` writes without its end of line.
    pub(crate) fn line(&self, render: impl FnOnce(&mut Vec<u8>)) {
        let mut buffer = locked(self.queue.buffers.here());
        if buffer.len() >= self.queue.limit {
            self.queue.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let before = buffer.len();
        render(&mut buffer);
        buffer.push(b'\n');
        let crossed = before < self.queue.full && buffer.len() >= self.queue.full;
        drop(buffer);
        if crossed || (!self.queue.woken.load(Ordering::Relaxed) && !self.queue.woken.swap(true, Ordering::AcqRel)) {
            self.queue.wake();
        }
    }

    /// Lines that were lost because the sink was stuck or refused them.
    pub(crate) fn dropped(&self) -> u64 {
        self.queue.dropped.load(Ordering::Relaxed)
    }

    /// Writes what is buffered, waiting at most two seconds for a sink that is stuck.
    pub(crate) fn close(&self) {
        let Some(thread) = locked(&self.thread).take() else { return };
        self.queue.closing.store(true, Ordering::Release);
        self.queue.wake();
        let deadline = Instant::now() + LAST;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.close();
    }
}

impl Queue {
    fn wake(&self) {
        if let Some(writer) = locked(&self.writer).as_ref() {
            writer.unpark();
        }
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut outgoing = Vec::new();
        let mut torn = false;
        loop {
            let closing = self.closing.load(Ordering::Acquire);
            let mut any = false;
            for buffer in self.buffers.iter() {
                std::mem::swap(&mut *locked(buffer), &mut outgoing);
                if !outgoing.is_empty() {
                    any = true;
                    torn = self.write_out(&mut sink, &outgoing, torn);
                }
                outgoing.clear();
                outgoing.shrink_to(KEPT);
            }
            if closing {
                return;
            }
            // While lines keep coming nobody needs to wake us but for a buffer that is full. Before a longer sleep we
            // look once more: a line may have come that did not wake us.
            if any {
                std::thread::park_timeout(PAUSE);
            } else if !self.woken.swap(false, Ordering::AcqRel) {
                self.sleep();
            }
        }
    }

    fn sleep(&self) {
        while !self.woken.load(Ordering::Acquire) && !self.closing.load(Ordering::Acquire) {
            std::thread::park();
        }
        std::thread::park_timeout(PAUSE);
    }

    /// Whether the sink was left in the middle of a line.
    fn write_out(&self, sink: &mut impl Write, lines: &[u8], torn: bool) -> bool {
        let mut rest = lines;
        let result = if torn { sink.write_all(b"\n") } else { Ok(()) };
        let result = result.and_then(|()| write_advancing(sink, &mut rest)).and_then(|()| sink.flush());
        let Err(error) = result else { return false };
        let lost = rest.iter().filter(|byte| **byte == b'\n').count() as u64;
        if self.dropped.fetch_add(lost, Ordering::Relaxed) == 0 {
            tracing::error!(%error, "the access log cannot be written: lines are dropped and counted");
        }
        let written = lines.len() - rest.len();
        written > 0 && lines.get(written - 1) != Some(&b'\n') || written == 0 && torn
    }
}

/// When one of so many buffers is written at once, and the most it holds: the more threads share what may be held, the
/// sooner, as lines go on coming until the writer is awake.
fn room(buffers: usize) -> (usize, usize) {
    let limit = BUFFERED / buffers;
    (FULL.min(limit / 2), limit)
}

/// `write_all` that says through `rest` how far it came.
fn write_advancing(sink: &mut impl Write, rest: &mut &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match sink.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => *rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A thread that panicked while it rendered leaves at worst half a line.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A pipe whose reader decides how much is taken, as a stuck log shipper does.
    struct Gated(mpsc::Receiver<io::Result<usize>>, Written);

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.recv().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
            self.1.lock().unwrap().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Written = Arc<Mutex<Vec<u8>>>;

    fn gated() -> (LogWriter, mpsc::Sender<io::Result<usize>>, Written) {
        let (open, gate) = mpsc::channel();
        let written = Written::default();
        (LogWriter::start(Gated(gate, Arc::clone(&written))).unwrap(), open, written)
    }

    #[test]
    fn every_line_arrives_whole_and_once() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let log = LogWriter::to_file(path.path()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    for line in 0..5000 {
                        log.line(|out| out.extend_from_slice(format!("{thread}-{line}").as_bytes()));
                    }
                });
            }
        });
        log.close();
        let text = std::fs::read_to_string(path.path()).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!((lines.len(), log.dropped()), (20_000, 0));
    }

    #[test]
    fn a_buffer_is_written_before_it_drops_lines_however_many_there_are() {
        assert_eq!(room(1), (FULL, BUFFERED));
        for buffers in [2, 8, 16, 64, 256] {
            let (full, limit) = room(buffers);
            assert!(full > 0 && full * 2 <= limit && limit * buffers <= BUFFERED, "{buffers}");
        }
    }

    #[test]
    fn a_stuck_sink_costs_lines_and_never_waits() {
        let (log, open, _) = gated();
        let line = vec![b'x'; 1 << 10];
        let started = Instant::now();
        for _ in 0..(BUFFERED >> 10) * 3 {
            log.line(|out| out.extend_from_slice(&line));
        }
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(log.dropped() > 0);
        drop(open);
    }

    #[test]
    fn after_a_failed_write_the_next_line_starts_on_a_line_of_its_own() {
        let (log, open, written) = gated();
        open.send(Ok(3)).unwrap();
        open.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        log.line(|out| out.extend_from_slice(b"first"));
        while log.dropped() == 0 {
            std::thread::yield_now();
        }
        log.line(|out| out.extend_from_slice(b"second"));
        drop(open);
        log.close();
        assert_eq!(*written.lock().unwrap(), b"fir\nsecond\n");
        assert_eq!(log.dropped(), 1);
    }
}
