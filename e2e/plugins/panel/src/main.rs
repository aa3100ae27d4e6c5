//! The example plugin as a program; what it serves and how it misbehaves is told in the library.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use panel::{Misbehave, Options, Product, StartError};
use tokio::signal::unix::{SignalKind, signal};

/// An example Wazo plugin: a static panel that can be told to misbehave.
#[derive(Debug, Parser)]
#[command(name = "panel")]
struct Arguments {
    /// Where to listen
    #[arg(long, env = "PANEL_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// The plugin's id in its manifest
    #[arg(long, env = "PANEL_NAME", default_value = "panel")]
    name: String,
    /// The version in the manifest
    #[arg(long, env = "PANEL_VERSION", default_value = "1.0.0")]
    plugin_version: String,
    /// Whose manifest /manifest.json is
    #[arg(long, env = "PANEL_PRODUCT", value_enum, default_value = "app")]
    product: Product,
    /// A prefix such as /crm below which everything is served too
    #[arg(long, env = "PANEL_BASE_PATH", default_value = "")]
    base_path: String,
    /// The switches as JSON, such as {"status": {"code": 503, "on": "Manifest"}}; {} or nothing is good behaviour
    #[arg(long, env = "PANEL_MISBEHAVE", default_value = "", value_parser = switches)]
    misbehave: Misbehave,
}

/// What ends the program before it has done anything.
fn at_start(misbehave: &Misbehave) -> Option<ExitCode> {
    if misbehave.crash.as_ref().is_some_and(|crash| crash.abort) {
        std::process::abort();
    }
    if !misbehave.fork {
        return None;
    }
    let child = std::env::current_exe().and_then(|program| {
        std::process::Command::new(program)
            .env("PANEL_MISBEHAVE", "")
            .spawn()
    });
    match child {
        Ok(child) => {
            eprintln!("panel: process {} serves", child.id());
            Some(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("panel: no child: {error}");
            Some(ExitCode::FAILURE)
        }
    }
}

fn switches(text: &str) -> Result<Misbehave, serde_json::Error> {
    if text.trim().is_empty() {
        Ok(Misbehave::default())
    } else {
        serde_json::from_str(text)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments {
        listen,
        name,
        plugin_version,
        product,
        base_path,
        misbehave,
    } = Arguments::parse();
    // Process 1 of a container has no default action for these: without a handler a stop takes the whole grace period.
    let (mut terminate, mut interrupt) =
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => {
                eprintln!("panel: cannot listen for signals: {error}");
                return ExitCode::FAILURE;
            }
        };
    if let Some(ending) = at_start(&misbehave) {
        return ending;
    }
    let options = Options {
        name,
        version: plugin_version,
        product,
        base_path,
        misbehave,
    };
    let panel = match panel::start(listen, options).await {
        Ok(panel) => panel,
        Err(error) => {
            eprintln!("panel: {error}");
            return match error {
                StartError::Crash { exit_code } => ExitCode::from(exit_code),
                _ => ExitCode::FAILURE,
            };
        }
    };
    eprintln!("panel: serving on {}", panel.addr());
    tokio::select! {
        exit_code = panel.crashed() => {
            eprintln!("panel: told to crash with exit code {exit_code}");
            return ExitCode::from(exit_code);
        }
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("panel: stopping");
    panel.stop().await;
    ExitCode::SUCCESS
}
