//! `make demo`: from nothing to two plugins in use, then what the operator says when the core goes away and when a
//! plugin breaks. Every command that is shown was run, and what stands below it is what it said.

mod core;
mod error;
mod memory;
mod report;
mod stage;
mod story;
mod watch;

use std::process::ExitCode;
use std::time::Instant;

use crate::stage::Stage;

fn main() -> ExitCode {
    let stage = Stage::new(Instant::now());
    match story::play(&stage) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stage.complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
