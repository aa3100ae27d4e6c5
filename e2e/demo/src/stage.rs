//! What the audience sees: headlines, sentences, commands with what they say, and that something goes on.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wazo_e2e_node::{NodeError, run};

/// On a terminal a clock runs; elsewhere a line says every so often that we still wait.
const CLOCK: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(10);

/// The stage.
pub(crate) struct Stage {
    start: Instant,
    acts: Cell<u32>,
    terminal: bool,
    colours: bool,
}

impl Stage {
    /// A stage whose clock began at `start`.
    pub(crate) fn new(start: Instant) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            start,
            acts: Cell::new(0),
            terminal,
            colours,
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// A numbered headline.
    pub(crate) fn act(&self, headline: &str) {
        let number = self.acts.get() + 1;
        self.acts.set(number);
        let clock = format!("[{:.0} s]", self.elapsed().as_secs_f64());
        println!(
            "\n{} {}",
            self.paint("1", &format!("{number}. {headline}")),
            self.paint("2", &clock)
        );
    }

    /// A sentence.
    pub(crate) fn say(&self, text: &str) {
        println!("   {text}");
    }

    /// Text as it came, a little to the right.
    pub(crate) fn quote(&self, text: &str) {
        for line in text.lines() {
            println!("   {}", self.paint("36", line).trim_end());
        }
    }

    /// Why it ended early, on standard error.
    pub(crate) fn complain(&self, text: &str) {
        eprintln!("\n{} {text}", self.paint("1;31", "demo:"));
    }

    /// Shows a command of the cluster and runs it; it fails as the command does.
    pub(crate) fn run(&self, command: &mut Command) -> Result<String, NodeError> {
        self.shown(&typed(command));
        let said = run(command)?;
        self.quote(&said);
        Ok(said)
    }

    /// The same for a command that may take a while: a clock runs.
    pub(crate) fn wait_for(&self, command: &mut Command) -> Result<String, NodeError> {
        self.shown(&typed(command));
        let said = {
            let _clock = self.clock("");
            run(command)?
        };
        self.quote(&said);
        Ok(said)
    }

    fn shown(&self, line: &str) {
        println!("   {}", self.paint("33", &format!("$ {line}")));
    }

    /// Says that something goes on, until the answer is dropped.
    pub(crate) fn clock(&self, what: &str) -> Clock {
        let (stop, stopped) = channel();
        let (terminal, what) = (self.terminal, what.to_owned());
        if !terminal && !what.is_empty() {
            println!("   … {what}");
        }
        let thread = std::thread::spawn(move || tick(&stopped, terminal, &what));
        Clock {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// Runs until it is dropped.
pub(crate) struct Clock {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Clock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only prints.
            let _ = thread.join();
        }
    }
}

fn tick(stopped: &Receiver<()>, terminal: bool, what: &str) {
    let start = Instant::now();
    let every = if terminal { CLOCK } else { LINE };
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let seconds = start.elapsed().as_secs_f64();
        if terminal {
            print!("\r   … {what} {seconds:.1} s ");
            // A terminal that is gone needs no clock.
            let _ = std::io::stdout().flush();
        } else {
            println!("   … {seconds:.0} s");
        }
    }
    if terminal {
        print!("\r\x1b[K");
        let _ = std::io::stdout().flush();
    }
}

/// A command as a person would type it: programs by name, words quoted where a shell needs it.
pub(crate) fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c);
        line.push(' ');
        if !argument.is_empty() && argument.chars().all(plain) {
            line.push_str(&argument);
        } else {
            line.push_str(&format!("'{}'", argument.replace('\'', "'\\''")));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::typed;

    #[test]
    fn a_command_is_shown_as_it_can_be_typed() {
        let mut command = Command::new("/somewhere/kubectl");
        command.args(["get", "wazoplugins", "-o", "jsonpath={.status} it's"]);
        assert_eq!(
            typed(&command),
            "kubectl get wazoplugins -o 'jsonpath={.status} it'\\''s'"
        );
    }
}
