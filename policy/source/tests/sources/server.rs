//! A web server that answers from a script, on loopback.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers each request with the next answer, byte for byte, and closes the connection; keeps the requests' heads.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Vec<u8>>,
    heads: Vec<String>,
}

impl Server {
    pub(crate) fn start<A: Into<Vec<u8>>>(answers: impl IntoIterator<Item = A>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Script { answers: answers.into_iter().map(Into::into).collect(), heads: Vec::new() };
        let server = Self { url, script: Arc::new(Mutex::new(script)) };
        let serving = server.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serving.serve(stream)));
        server
    }

    /// The requests so far, each with its line and its headers in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.script.lock().unwrap().heads.clone()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
        let mut script = self.script.lock().unwrap();
        script.heads.push(head.to_lowercase());
        let answer = script.answers.pop_front().unwrap_or_else(|| status(599, "no answer is left"));
        drop(script);
        // Who refuses the rest of an answer has closed its end.
        let _ = stream.write_all(&answer);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = reader.take(1024).read_to_end(&mut Vec::new());
    }
}

pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Status\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(crate) fn status(status: u16, body: &str) -> Vec<u8> {
    answer(status, "", body.as_bytes())
}

pub(crate) fn not_modified() -> Vec<u8> {
    b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec()
}
