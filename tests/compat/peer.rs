//! A release of DataFolio in a process of its own, which runs the lines of Python that a test sends.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

pub(crate) use datafolio_testkit::peers::installed;
use serde_json::Value;

/// How long one line of Python may take: 2.x itself waits 30 seconds for a lock.
const PATIENCE: Duration = Duration::from_secs(120);

/// The two releases.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Release {
    V1_3,
    V2_3,
}

impl Release {
    /// The interpreter that has the release, or `None` when the tests may do without.
    ///
    /// # Panics
    /// As [`installed`].
    pub(crate) fn python(self) -> Option<PathBuf> {
        let (variable, name) = match self {
            Self::V1_3 => ("DATAFOLIO_PYTHON13", "df13"),
            Self::V2_3 => ("DATAFOLIO_PYTHON23", "df23"),
        };
        installed(variable, name, &format!("DataFolio {self:?}"))
    }
}

/// A release at work on one bundle, `folio`.
#[derive(Debug)]
pub(crate) struct Peer {
    process: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

/// What an exception was.
#[derive(Debug, PartialEq)]
pub(crate) struct Raised {
    pub(crate) error: String,
    pub(crate) message: String,
}

impl Peer {
    /// Opens a bundle. `None` when the release is not there and the tests may do without.
    pub(crate) fn open(release: Release, bundle: impl AsRef<Path>) -> Option<Self> {
        let mut command = script(release, "session.py")?;
        command.arg(bundle.as_ref()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Self { process, input, answers };
        let version = peer.answer().unwrap();
        assert_eq!(
            version,
            match release {
                Release::V1_3 => "1.3.0",
                Release::V2_3 => "2.3.0",
            }
        );
        Some(peer)
    }

    /// Runs Python and gives the value of its last expression.
    ///
    /// # Errors
    /// When it raises.
    pub(crate) fn run(&mut self, code: &str) -> Result<Value, Raised> {
        self.send(code);
        self.answer()
    }

    /// Runs Python that must not raise.
    pub(crate) fn get(&mut self, code: &str) -> Value {
        self.run(code).unwrap_or_else(|raised| panic!("{code}\n{}: {}", raised.error, raised.message))
    }

    /// Sends Python, and does not wait for it.
    pub(crate) fn send(&mut self, code: &str) {
        writeln!(self.input, "{}", Value::from(code)).unwrap();
        self.input.flush().unwrap();
    }

    /// Whether there still is no answer to what was sent after this time.
    pub(crate) fn still_waits(&mut self, time: Duration) -> bool {
        match self.answers.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => true,
            other => panic!("there was an answer: {other:?}"),
        }
    }

    /// The answer to what was sent.
    pub(crate) fn answer(&mut self) -> Result<Value, Raised> {
        let line = self.answers.recv_timeout(PATIENCE).expect("the Python process gives no answer");
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => {
                Err(Raised { error: error.to_owned(), message: answer["message"].as_str().unwrap().to_owned() })
            }
            None => Ok(answer["value"].take()),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs one of the scripts to its end.
pub(crate) fn run_script(release: Release, name: &str, argument: &Path) -> Option<()> {
    let output = script(release, name)?.arg(argument).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

fn script(release: Release, name: &str) -> Option<Command> {
    let mut command = Command::new(release.python()?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/python").join(name));
    // Nothing is left behind in the checkout, or taken from the user's folio registry.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("DATAFOLIO_HOME", env::temp_dir().join("datafolio-no-registry"));
    Some(command)
}
