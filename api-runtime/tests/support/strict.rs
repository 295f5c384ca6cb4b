//! An upstream that takes a request only in its one canonical form, and writes down what was not.

use super::upstream::{OK, each};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A request that can be read in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The value of a header that must be there once.
    pub fn only(&self, name: &str) -> Result<&str, String> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(format!("`{name}` is not there exactly once")),
        }
    }
}

#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<(Vec<Message>, Vec<String>)>>);

impl Seen {
    /// What came since the last time, and what was wrong with anything that came.
    pub fn take(&self) -> (Vec<Message>, Vec<String>) {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Reads strictly, and answers each complete request.
pub async fn strict() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let ours = seen.clone();
    let addr = each(Default::default(), move |mut stream, _| {
        let seen = ours.clone();
        async move {
            let (mut buffer, mut bytes) = (vec![0; 65536], Vec::new());
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
                loop {
                    match read(&bytes) {
                        Ok(Some((message, length))) => {
                            bytes.drain(..length);
                            seen.0.lock().unwrap().0.push(message);
                            let _ = stream.write_all(OK.as_bytes()).await;
                        }
                        Ok(None) => break,
                        Err(problem) => {
                            let text = String::from_utf8_lossy(&bytes).into_owned();
                            seen.0.lock().unwrap().1.push(format!("{problem}: {text:?}"));
                            return;
                        }
                    }
                }
            }
        }
    });
    (addr.await, seen)
}

/// The first request and its length; `None` if there is more to come.
pub fn read(bytes: &[u8]) -> Result<Option<(Message, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "a head beyond UTF-8")?;
    let mut lines = head.split("\r\n");
    let (method, target) = request_line(lines.next().unwrap_or_default())?;
    let headers = lines.map(field).collect::<Result<Vec<_>, _>>()?;
    check_head(&headers)?;
    let mut message = Message { method, target, headers, body: Vec::new() };
    let start = end + 4;
    let of = |name: &str| message.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let length = match (of("transfer-encoding"), of("content-length")) {
        (Some("chunked"), None) => match chunked(&bytes[start..])? {
            Some((body, length)) => {
                message.body = body;
                length
            }
            None => return Ok(None),
        },
        (None, None) => 0,
        (None, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length: usize = length.parse().map_err(|_| "a length without end")?;
            match bytes.get(start..start + length) {
                Some(body) => message.body = body.to_vec(),
                None => return Ok(None),
            }
            length
        }
        other => return Err(format!("framing {other:?}")),
    };
    Ok(Some((message, start + length)))
}

fn request_line(line: &str) -> Result<(String, String), String> {
    let parts: Vec<_> = line.split(' ').collect();
    match parts[..] {
        [method, target, "HTTP/1.1"]
            if is_token(method) && target.starts_with('/') && target.bytes().all(|byte| byte > b' ' && byte != 127) =>
        {
            Ok((method.to_owned(), target.to_owned()))
        }
        _ => Err(format!("request line {line:?}")),
    }
}

fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("no field {line:?}"))?;
    let value = value.strip_prefix(' ').unwrap_or(value);
    let clean = value.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 127) && value.trim() == value;
    if is_token(name) && clean { Ok((name.to_ascii_lowercase(), value.to_owned())) } else { Err(format!("{line:?}")) }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Nothing twice that may be there once, nothing of the client's own connection, nobody's word but the runtime's.
fn check_head(headers: &[(String, String)]) -> Result<(), String> {
    let count = |name: &str| headers.iter().filter(|(found, _)| found.replace('_', "-") == name).count();
    for name in ["host", "x-linkward-caller", "x-forwarded-client-cert", "x-request-id", "traceparent"] {
        if count(name) != 1 {
            return Err(format!("{} times `{name}`", count(name)));
        }
    }
    for name in ["connection", "keep-alive", "proxy-connection", "upgrade", "expect", "x-linkward-account"] {
        if count(name) != 0 {
            return Err(format!("`{name}` got through"));
        }
    }
    let evil = headers.iter().find(|(_, value)| value.contains("evil"));
    evil.map_or(Ok(()), |(name, _)| Err(format!("the client's own `{name}` got through")))
}

type Chunked = Option<(Vec<u8>, usize)>;

fn chunked(bytes: &[u8]) -> Result<Chunked, String> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = line(&bytes[at..])? else { return Ok(None) };
        let is_size = !line.is_empty() && line.len() < 9 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = usize::from_str_radix(line, 16).ok().filter(|_| is_size).ok_or_else(|| format!("chunk {line:?}"))?;
        at += line.len() + 2;
        if size == 0 {
            return trailers(bytes, at).map(|end| end.map(|end| (body, end)));
        }
        match bytes.get(at..at + size + 2) {
            Some(chunk) if chunk.ends_with(b"\r\n") => body.extend_from_slice(&chunk[..size]),
            Some(_) => return Err("a chunk without end".to_owned()),
            None => return Ok(None),
        }
        at += size + 2;
    }
}

/// Where they end.
fn trailers(bytes: &[u8], mut at: usize) -> Result<Option<usize>, String> {
    loop {
        let Some(line) = line(&bytes[at..])? else { return Ok(None) };
        at += line.len() + 2;
        if line.is_empty() {
            return Ok(Some(at));
        }
        let (name, value) = field(line)?;
        if name.contains("linkward") || name == "host" || name == "content-length" || value.contains("evil") {
            return Err(format!("the trailer `{name}` got through"));
        }
    }
}

fn line(bytes: &[u8]) -> Result<Option<&str>, String> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    std::str::from_utf8(&bytes[..end]).map(Some).map_err(|_| "a line beyond UTF-8".to_owned())
}
