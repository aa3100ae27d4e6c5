//! `judge`: what the operator knew of a plugin, judged anew, and how the verdict came about.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use wazo_plugin_operator::api::fault::Fault;
use wazo_plugin_operator::judge::{Phase, Reckoning, reckon};
use wazo_plugin_operator::observe::world::World;
use wazo_plugin_operator::recording::replay::{Step, replay};
use wazo_plugin_operator::recording::{RecordingError, parse};

use super::{CliError, Output, print, read};

/// Judges a recording of what the operator knew of a plugin (`run --record-directory`), and prints the verdicts in their
/// order, and for one moment how the verdict came about: candidates, what explains what, what was weighed, and what is
/// told. Exit code 0: nothing is wrong with the plugin at that moment; 1: something is; 2: the command line is, or the
/// file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Judge {
    /// A recording; `-`: the standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// The step that is explained, as the timeline counts them; default: the last one
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// For how many seconds time goes on after the last line
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=86_400))]
    after: i64,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Judge {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        let worlds = worlds(&self.file)?;
        let subject = worlds.first().map(|world| world.itself.key.to_string());
        let steps = replay(worlds, self.after);
        let number = self.step.unwrap_or(steps.len());
        let Some(step) = number.checked_sub(1).and_then(|place| steps.get(place)) else {
            let problem = format!("has {} steps: choose --step from 1 to {0}", steps.len());
            return Err(problem_of(&self.file, problem));
        };
        let reckoning = reckon(&step.world);
        let told = match self.output {
            Output::Text => text(subject.as_deref().unwrap_or_default(), &steps, number, &reckoning),
            Output::Json => as_json(&steps, number, &reckoning)? + "\n",
        };
        print(&told)?;
        Ok(if reckoning.verdicts.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn worlds(path: &str) -> Result<Vec<World>, CliError> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|_| problem_of(path, "is not UTF-8 text".to_owned()))?;
    parse(&text).map_err(|error| match error {
        RecordingError::Empty => problem_of(
            path,
            "holds no line of a recording: record with run --record-directory".to_owned(),
        ),
        other => problem_of(path, other.to_string()),
    })
}

fn problem_of(path: &str, problem: String) -> CliError {
    CliError::File {
        path: Path::new(path).display().to_string(),
        problem,
    }
}

fn text(subject: &str, steps: &[Step], number: usize, reckoning: &Reckoning) -> String {
    let mut told = format!("timeline of {subject}\n");
    let mut before = None;
    for (place, step) in steps.iter().enumerate() {
        let line = line(step);
        // What a step shows that the one before did not.
        if before.as_ref() != Some(&line) {
            told += &format!("  {:>3} {} {line}\n", place + 1, step.world.now);
        }
        before = Some(line);
    }
    let now = steps.get(number - 1).map(|step| step.world.now.to_string());
    told += &format!("step {number} at {}\n{reckoning}", now.unwrap_or_default());
    told
}

fn line(step: &Step) -> String {
    let faults: Vec<String> = step.assessment.faults.iter().map(verdict).collect();
    let phase = phase(&step.assessment.phase);
    if faults.is_empty() {
        phase.to_owned()
    } else {
        format!("{phase}: {}", faults.join("; "))
    }
}

fn verdict(fault: &Fault) -> String {
    let Fault {
        party,
        layer,
        reason,
        confidence,
        ..
    } = fault;
    format!("{party:?} · {layer:?} · {reason} ({confidence:?})")
}

const fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Ready => "Ready",
        Phase::Progressing { .. } => "Progressing",
        Phase::Retrying(_) => "Retrying",
        Phase::Stalled { .. } => "Stalled",
        Phase::Ill(_) => "Ill",
    }
}

fn as_json(steps: &[Step], number: usize, reckoning: &Reckoning) -> Result<String, CliError> {
    let timeline: Vec<Value> = steps
        .iter()
        .enumerate()
        .map(|(place, step)| {
            let faults = &step.assessment.faults;
            json!({"step": place + 1, "at": step.world.now.to_string(), "phase": phase(&step.assessment.phase),
                "verdicts": faults})
        })
        .collect();
    let value = json!({"timeline": timeline, "step": number, "reckoning": reckoning});
    serde_json::to_string_pretty(&value).map_err(|error| CliError::Print(error.to_string()))
}
