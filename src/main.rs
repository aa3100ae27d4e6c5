//! The command line: `run`, `crd`, `render`, `check`, `completions`.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // One TLS provider in the process: two would make rustls refuse to choose.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("error: another TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    match cli::Cli::parse().command.execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            // As for a command line that is not understood; 1 is for what `check` finds.
            ExitCode::from(2)
        }
    }
}
