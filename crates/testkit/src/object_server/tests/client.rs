//! A client that knows nothing but bytes on a socket.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::super::ObjectServer;
use super::super::encoding::text_of;

/// An answer as it came over the wire.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map(|line| line[name.len() + 1..].trim())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn code(&self) -> String {
        text_of(self.text(), "Code").unwrap_or_default()
    }
}

/// Sends one request on a connection of its own; an error when the answer does not arrive in full.
pub(super) fn send(server: &ObjectServer, request: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(server.endpoint().trim_start_matches("http://"))?;
    let mut head =
        format!("{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let reply = Reply { status, head, body: bytes.split_off(end + 4) };
    let declared = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
    if !request.starts_with("HEAD") && declared != reply.body.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(reply)
}

/// The status of a request.
pub(super) fn status(server: &ObjectServer, request: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    send(server, request, headers, body).unwrap().status
}

/// What an object contains, when it is there.
pub(super) fn content(server: &ObjectServer, key: &str) -> Option<Vec<u8>> {
    server.objects().into_iter().find(|(each, _)| each == key).map(|(_, content)| content)
}
