//! Plays many cases: several at a time, and those that break what others use alone at the end.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::case::{Case, Kind};
use crate::ground::Ground;
use crate::line::Line;
use crate::play::play;
use crate::trouble::{Result, Trouble};

/// Where the lines are.
pub(crate) const LINES: &str = "cases.jsonl";

/// How far the run is.
struct Progress {
    began: Instant,
    all: usize,
    /// Whether the cases were chosen by name.
    chosen: bool,
    done: Mutex<usize>,
    file: Mutex<File>,
}

impl Progress {
    fn note(&self, line: &Line) -> Result {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        let clock = self.began.elapsed().as_secs();
        println!(
            "[{:>3}/{}] {:>2}:{:02} {}",
            *done,
            self.all,
            clock / 60,
            clock % 60,
            self.told(line)
        );
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{}", serde_json::to_string(line)?)?;
        file.flush()?;
        Ok(())
    }

    /// Of a case that is held out nobody is told how it went, unless it is asked for by name.
    fn told(&self, line: &Line) -> String {
        if line.held_out && line.trouble.is_none() && !self.chosen {
            "held out".to_owned()
        } else {
            tell(line)
        }
    }
}

/// One line about a case, for people.
pub(crate) fn tell(line: &Line) -> String {
    if let Some(trouble) = &line.trouble {
        return format!("????  {}: {trouble}", line.name);
    }
    let last = line.last().and_then(|shown| shown.fault.as_ref());
    let said = last.map_or("no fault".to_owned(), |fault| fault.short());
    let wrong = line.wrong();
    let mut text = match line.kind {
        Kind::Control if wrong.is_empty() && line.shown.iter().all(|shown| shown.fault.is_none()) => "ok    ",
        _ if line.is_right() && wrong.is_empty() => "ok    ",
        _ if line.is_right() => "wrong?",
        _ if line.is_party_right() => "party ",
        _ => "MISS  ",
    }
    .to_owned();
    text.push_str(&format!("{:<44} {said}", line.name));
    if let Some(latency) = line.latency() {
        text.push_str(&format!(", {latency:.1} s"));
    }
    if !wrong.is_empty() {
        let said: Vec<String> = wrong
            .iter()
            .filter_map(|shown| shown.fault.as_ref().map(|fault| fault.short()))
            .collect();
        text.push_str(&format!(", said {}", said.join(" then ")));
    }
    match (line.healed, line.clearing()) {
        (Some(_), Some(clearing)) => text.push_str(&format!(", well after {clearing:.0} s")),
        (Some(_), None) => text.push_str(", NOT WELL AFTERWARDS"),
        _ => {}
    }
    text
}

/// Plays the cases; the lines are added to the directory's file. `chosen`: by name, so that it is told how each went.
pub(crate) async fn run(
    ground: &Arc<Ground>,
    cases: Vec<Case>,
    chosen: bool,
    jobs: usize,
    directory: &Path,
) -> Result {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(LINES))?;
    let progress = Arc::new(Progress {
        began: Instant::now(),
        all: cases.len(),
        chosen,
        done: Mutex::new(0),
        file: Mutex::new(file),
    });
    let (alone, mut together): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.exclusive);
    // The longest first, so that none is waited for alone at the end.
    together.sort_by_key(|case| std::cmp::Reverse(case.window));
    let queue = Arc::new(Mutex::new(VecDeque::from(together)));
    let workers = (0..jobs.max(1)).map(|_| {
        let (ground, queue, progress) = (Arc::clone(ground), Arc::clone(&queue), Arc::clone(&progress));
        tokio::spawn(async move {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(case) = next else {
                    return Ok::<(), Trouble>(());
                };
                one(&ground, case, &progress).await?;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await??;
    }
    for case in alone {
        one(ground, case, &progress).await?;
    }
    Ok(())
}

/// A case that panics costs that case alone.
async fn one(ground: &Arc<Ground>, case: Case, progress: &Progress) -> Result {
    let mut line = Line::of(&case);
    let ground = Arc::clone(ground);
    match tokio::spawn(async move { play(ground, &case).await }).await {
        Ok(played) => line = played,
        Err(panic) => line.trouble = Some(panic.to_string()),
    }
    progress.note(&line)
}
