//! HTTP/2 frame by frame, for what no client would send (RFC 9113).

use super::SOON;
use super::client::Caller;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Frames(pub TlsStream<TcpStream>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// As the static table has it, or the three digits of any other.
    pub fn status(&self) -> Option<u16> {
        match self.payload.first()? {
            0x88 => Some(200),
            0x8c => Some(400),
            0x8d => Some(404),
            0x48 => Some(digits(self.payload.get(2..)?)),
            _ => None,
        }
    }
}

/// Three digits in Huffman's code (RFC 7541, appendix B).
fn digits(bytes: &[u8]) -> u16 {
    let mut bits = u32::from_be_bytes([bytes[0], bytes[1], bytes.get(2).copied().unwrap_or(0xff), 0xff]);
    let mut number = 0;
    for _ in 0..3 {
        let (digit, length) = match bits >> 27 {
            short @ 0..3 => (short, 5),
            _ => ((bits >> 26) - 0b01_1001 + 3, 6),
        };
        number = number * 10 + u16::try_from(digit).unwrap();
        bits <<= length;
    }
    number
}

impl Frames {
    pub async fn open(caller: &Caller) -> Self {
        let mut frames = Self(caller.clone().http2().connect().await.unwrap());
        frames.0.write_all(PREFACE).await.unwrap();
        frames.send(SETTINGS, 0, 0, &[]).await;
        frames
    }

    /// False once the other side has closed.
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let bytes = frame(kind, flags, stream, payload);
        self.0.write_all(&bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    pub async fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) -> bool {
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &block(fields)).await
    }

    /// The next frame; `None` once the connection is closed.
    pub async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        timeout(SOON, self.0.read_exact(&mut head)).await.expect("nothing comes").ok()?;
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        timeout(SOON, self.0.read_exact(&mut payload)).await.expect("half a frame").ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of a kind; `None` if the connection is closed before.
    pub async fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    /// How it ends: the error code of GOAWAY, if one came, and after how long.
    pub async fn end(&mut self) -> (Option<u32>, Duration) {
        let (started, mut code) = (Instant::now(), None);
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        (code, started.elapsed())
    }
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields as literals without indexing (RFC 7541 §6.2.2), whatever is in them.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

pub fn get(path: &str) -> Vec<(&str, &str)> {
    vec![(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", path)]
}
