//! Waiting for an object by watching it, as `kubectl get --watch` does.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Deserializer, Value};

use crate::error::DemoError;

/// Waits until an object is as wanted. `command`: `kubectl get … NAME`; the watch is added here.
pub(crate) fn until(
    command: &mut Command,
    what: &str,
    within: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value, DemoError> {
    let mut child = command
        .args(["--watch", "--output", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| DemoError::Machine {
            what: "kubectl".to_owned(),
            source,
        })?;
    let stdout = child.stdout.take().expect("it was asked to be piped");
    let _ended = Ended(child);
    let (send, versions) = channel();
    // Ends with the watch: the pipe closes.
    std::thread::spawn(move || {
        for object in Deserializer::from_reader(stdout).into_iter::<Value>() {
            let Ok(object) = object else { return };
            if send.send(object).is_err() {
                return;
            }
        }
    });
    let end = Instant::now() + within;
    let mut last = "never seen".to_owned();
    loop {
        match versions.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(object) if wanted(&object) => return Ok(object),
            Ok(object) => last = object["status"].to_string(),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(DemoError::Late {
                    what: what.to_owned(),
                    seconds: within.as_secs(),
                    last,
                });
            }
        }
    }
}

/// A watch that is ended when it is not needed any more.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that ended by itself cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
