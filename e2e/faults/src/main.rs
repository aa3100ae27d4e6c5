//! Breaks real parts of a real node and holds what the operator says against what was broken: whose fault, how sure, how
//! soon, and whether it takes it back.

mod ablation;
mod baseline;
mod case;
mod cases;
mod certificates;
mod dns;
mod firewall;
mod ground;
mod kept;
mod line;
mod load;
mod play;
mod registry;
mod replayed;
mod report;
mod run;
mod stage;
mod tape;
mod trouble;
mod variation;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::case::Case;
use crate::ground::Ground;
use crate::trouble::{Result, Trouble};

/// Breaks real parts of a real node and holds the operator's verdicts against what was broken.
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the cases on a node of their own, then reports; exit status 1 when a bar is missed
    Run {
        #[command(flatten)]
        choice: Choice,
        /// How many are played at a time
        #[arg(long, default_value_t = 6)]
        jobs: usize,
        /// Where the lines and the report go
        #[arg(long, default_value = "target/faults")]
        output: PathBuf,
        /// Adds to the lines that are there instead of beginning anew
        #[arg(long)]
        resume: bool,
        /// Arguments of helm beside the usual ones
        #[arg(long = "helm", allow_hyphen_values = true, default_values = ["--set", "recording.enabled=true"])]
        helm: Vec<String>,
    },
    /// Reports on the lines of an earlier run; exit status 1 when a bar is missed
    Report {
        /// Where the lines are
        #[arg(long, default_value = "target/faults")]
        output: PathBuf,
        /// Also writes the tables into this page
        #[arg(long)]
        page: Option<PathBuf>,
    },
    /// Keeps the recordings of an earlier run in the repository, as tests of the judge
    Keep {
        /// Where the lines are
        #[arg(long, default_value = "target/faults")]
        output: PathBuf,
    },
    /// Measures what many healthy plugins cost the operator, on a node of their own
    Load {
        /// How many plugins
        #[arg(long, default_value_t = 1000)]
        plugins: usize,
        /// For how many minutes after all of them are ready
        #[arg(long, default_value_t = 12)]
        minutes: usize,
        /// Where logs go
        #[arg(long, default_value = "target/load")]
        output: PathBuf,
    },
    /// Lists the cases
    List {
        #[command(flatten)]
        choice: Choice,
    },
}

#[derive(Debug, Args)]
struct Choice {
    /// Only cases whose name or group holds one of these texts
    #[arg(long)]
    only: Vec<String>,
    /// Only those that are shown to who writes rules
    #[arg(long)]
    shown: bool,
}

impl Choice {
    fn cases(&self) -> Vec<Case> {
        let wanted = |case: &Case| {
            let named = |text: &String| case.name.contains(text.as_str()) || case.group == text.as_str();
            (self.only.is_empty() || self.only.iter().any(named)) && !(self.shown && case.is_held_out())
        };
        cases::all().into_iter().filter(wanted).collect()
    }
}

fn main() -> ExitCode {
    match obey(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("faults: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn obey(command: Command) -> Result<bool> {
    match command {
        Command::List { choice } => {
            for case in choice.cases() {
                let held = if case.is_held_out() { "held out" } else { "shown" };
                let truth: Vec<&str> = case.truth.iter().map(case::Truth::party).collect();
                println!(
                    "{:<44} {:<10} {:?} {:?} {:?} {held} {}",
                    case.name,
                    case.group,
                    case.kind,
                    case.contact,
                    case.origin,
                    truth.join("+")
                );
            }
            Ok(true)
        }
        Command::Load {
            plugins,
            minutes,
            output,
        } => {
            std::fs::create_dir_all(&output)?;
            runtime()?.block_on(on_a_node(&output, &[], async |ground| {
                load::load(ground, plugins, minutes).await
            }))?;
            Ok(true)
        }
        Command::Keep { output } => {
            kept::keep(&output, &report::read(&output)?, &kept::folder())?;
            Ok(true)
        }
        Command::Report { output, page } => report::report(&output, page.as_deref()),
        Command::Run {
            choice,
            jobs,
            output,
            resume,
            helm,
        } => {
            let cases = choice.cases();
            if cases.is_empty() {
                return Err(Trouble::new("no case has such a name: see `faults list`"));
            }
            std::fs::create_dir_all(&output)?;
            let mut cases = cases;
            if resume {
                let played = report::read(&output)?;
                cases.retain(|case| {
                    !played
                        .iter()
                        .any(|line| line.name == case.name && line.trouble.is_none())
                });
            } else if output.join(run::LINES).exists() {
                std::fs::remove_file(output.join(run::LINES))?;
            }
            runtime()?.block_on(play_all(cases, !choice.only.is_empty(), jobs, &output, &helm))?;
            report::report(&output, None)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(2).enable_all().build()?)
}

async fn play_all(cases: Vec<Case>, chosen: bool, jobs: usize, output: &Path, helm: &[String]) -> Result {
    println!("{} cases, {jobs} at a time; a node is started first", cases.len());
    std::fs::create_dir_all(output.join(ablation::WORLDS))?;
    on_a_node(output, helm, async |ground| {
        run::run(ground, cases, chosen, jobs, output).await
    })
    .await
}

/// Starts a node with the operator, does something there, keeps the operator's log, and takes the node down.
async fn on_a_node(
    output: &Path,
    helm: &[String],
    doing: impl AsyncFnOnce(&Arc<Ground>) -> Result,
) -> Result {
    let ground = Ground::prepare(output, helm).await?;
    ground.registry.seed()?;
    let ground = Arc::new(ground);
    let done = tokio::select! {
        done = doing(&ground) => done,
        _ = tokio::signal::ctrl_c() => Err(Trouble::new("interrupted")),
    };
    std::fs::write(output.join("operator.log"), ground.operator_log())?;
    // Tasks of cases that were interrupted may still hold it; the cluster goes with this process then.
    if let Some(ground) = Arc::into_inner(ground) {
        tokio::task::spawn_blocking(move || ground.down()).await?;
    }
    done
}
