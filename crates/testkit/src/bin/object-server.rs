//! The [`ObjectServer`] as a program, for tests in other languages: prints where it listens, and runs until its input ends.

use std::io::{self, Write};

use datafolio_testkit::object_server::ObjectServer;

fn main() -> io::Result<()> {
    let server = ObjectServer::start();
    let mut out = io::stdout();
    writeln!(out, "{}", server.endpoint())?;
    out.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
