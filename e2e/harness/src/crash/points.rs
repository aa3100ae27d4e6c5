//! Every point of a way is tried, some at the same time.

use std::io::Write;
use std::ops::AsyncFn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::course::Run;
use super::{account, journal};
use crate::difference::difference;
use crate::gate::{Blow, Moment, Point};
use crate::trial::{Trial, trial_with};

/// How many points are tried at the same time.
const AT_ONCE: usize = 4;
/// More mutating requests than this for one plugin are a loop.
const MOST: usize = 60;

/// Walks a way once undisturbed and then with a blow at each of its points. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub(super) fn every(
    name: &str,
    blow: Blow,
    way: impl AsyncFn(&mut Trial, Option<Point>) -> Run + Sync,
) -> usize {
    let undisturbed = walk(&way, None);
    assert!(!undisturbed.mutations.is_empty(), "{name} changes nothing");
    let tries = Tries {
        undisturbed,
        blow,
        struck: AtomicUsize::new(0),
        last: AtomicUsize::new(MOST),
        next: AtomicUsize::new(0),
        failures: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| while tries.one_more(&way) {});
        }
    });
    tries.verdict(name)
}

/// One run, in a world of its own.
fn walk(way: &impl AsyncFn(&mut Trial, Option<Point>) -> Run, point: Option<Point>) -> Run {
    let mut outcome = None;
    trial_with(account::core(), async |trial: &mut Trial| {
        let run = way(trial, point).await;
        // Stopped in peace, so that the journal is at its end.
        trial.stop().await;
        journal::check(trial);
        outcome = Some(run);
    });
    outcome.expect("a trial that ends without a panic has run")
}

/// What became of the points so far.
struct Tries {
    undisturbed: Run,
    blow: Blow,
    struck: AtomicUsize,
    /// The last request there is, once known.
    last: AtomicUsize,
    next: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Tries {
    /// Tries the next point. False: there is none any more.
    fn one_more(&self, way: &impl AsyncFn(&mut Trial, Option<Point>) -> Run) -> bool {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let moments = [Moment::Before, Moment::After];
        let point = Point {
            number: index / 2 + 1,
            moment: moments[index % 2],
            blow: self.blow,
        };
        if point.number > self.last.load(Ordering::Relaxed) {
            return false;
        }
        match catch_unwind(AssertUnwindSafe(|| walk(way, Some(point)))) {
            Ok(run) => self.compare(point, &run),
            Err(_) => self.failed(point, "the run failed: see above"),
        }
        true
    }

    fn compare(&self, point: Point, run: &Run) {
        if run.struck {
            self.struck.fetch_add(1, Ordering::Relaxed);
        } else {
            // There are no so many requests: this run and all behind it are like the undisturbed one.
            let last = point.number.max(self.undisturbed.mutations.len());
            self.last.fetch_min(last, Ordering::Relaxed);
        }
        if run.end != self.undisturbed.end {
            let at = run.mutations.last().map(ToString::to_string);
            let difference = difference(&self.undisturbed.end, &run.end);
            let at = at.unwrap_or_default();
            self.failed(point, &format!("({at}) ends otherwise:\n{difference}"));
        }
    }

    fn failed(&self, point: Point, problem: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (moment, number) = (point.moment, point.number);
        failures.push(format!("{:?} {moment:?} request {number}: {problem}", self.blow));
    }

    fn verdict(self, name: &str) -> usize {
        let struck = self.struck.into_inner();
        let failures = self.failures.into_inner();
        let failures = failures.unwrap_or_else(PoisonError::into_inner);
        assert!(
            failures.is_empty(),
            "{name}: {} of {struck} points:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(
            self.last.into_inner() < MOST,
            "{name} takes more than {MOST} mutating requests"
        );
        // Not by `println`: the number is to be seen where the output of tests that pass is not.
        let _ = writeln!(
            std::io::stderr(),
            "crash points: {name}, {:?}: {struck}, of {} mutating requests",
            self.blow,
            self.undisturbed.mutations.len()
        );
        for (index, asked) in self.undisturbed.mutations.iter().enumerate() {
            println!("  {:2} {asked}", index + 1);
        }
        struck
    }
}
