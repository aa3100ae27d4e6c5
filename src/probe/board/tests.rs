//! What is looked at when, without looking.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::{Board, Task};
use crate::api::ui_manifest::Product;
use crate::keys::PluginKey;
use crate::probe::look::{Look, LookError, ReadinessLook};
use crate::probe::sight::Sight;
use crate::probe::{Front, ProbeJob, ProbeSettings, ReadinessJob};

/// A board and a clock that is set by hand.
struct Bench {
    board: Board,
    settings: ProbeSettings,
    now: Instant,
    time: Timestamp,
}

fn key() -> PluginKey {
    PluginKey::new("acme", "crm")
}

fn pod(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 244, 0, last], 8080))
}

fn job(name: &str) -> ProbeJob {
    ProbeJob {
        name: name.to_owned(),
        url: Url::parse("https://crm.acme.example/manifest.json").unwrap(),
        product: Product::App,
        gateway_addresses: Vec::new(),
        pods: vec![pod(7)],
        front: Front::Public,
        revision: "1".to_owned(),
        service: None,
        names: Vec::new(),
    }
}

fn good() -> Look {
    Look::Good { warnings: Vec::new() }
}

fn bad() -> Look {
    Look::Bad(LookError::Refused)
}

impl Bench {
    fn new() -> Self {
        Self {
            board: Board::default(),
            settings: ProbeSettings::default(),
            now: Instant::now(),
            time: Timestamp::UNIX_EPOCH,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.time += Duration::from_secs(seconds);
    }

    fn want(&mut self, jobs: Vec<ProbeJob>) -> bool {
        self.board.want(&key(), jobs, None, &self.settings, self.now)
    }

    fn take(&mut self) -> Option<Task> {
        self.board.take(self.now, &self.settings)
    }

    fn see(&mut self, task: &Task, front: Look) -> bool {
        let sight = match &task.wish {
            super::Wish::Manifest(job) => Sight::Manifest {
                revision: job.revision.clone(),
                front,
                pod: None,
                control: Default::default(),
                summary: None,
                validity: None,
            },
            super::Wish::Readiness(_) => Sight::Readiness(ReadinessLook::NotListening),
        };
        self.board
            .finish(task, sight, &self.settings, (self.now, self.time))
    }

    /// Takes what is due and lets it see this; says whether that was a change.
    fn look(&mut self, public: Look) -> bool {
        let task = self.take().expect("something is due");
        self.see(&task, public)
    }

    fn seconds_to_next(&self) -> f64 {
        let due = self.board.next_due(&self.settings).expect("something is queued");
        due.saturating_duration_since(self.now).as_secs_f64()
    }
}

#[test]
fn a_new_job_is_due_at_once_and_the_same_again_is_not() {
    let mut bench = Bench::new();
    assert!(bench.want(vec![job("panel")]));
    assert!(
        bench.board.facts(&key()).manifests.is_empty(),
        "nothing is known before the first look"
    );
    assert!(bench.look(good()));
    assert!(bench.take().is_none());
    assert!(!bench.want(vec![job("panel")]));
    assert!(bench.take().is_none());
    assert!(
        (22.5..=30.0).contains(&bench.seconds_to_next()),
        "{}",
        bench.seconds_to_next()
    );
}

#[test]
fn a_verdict_keeps_its_beginning_and_the_last_good_look() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    assert!(bench.look(good()));
    bench.pass(600);
    let last_good = bench.time;
    assert!(!bench.look(good()), "the same again is no change");
    bench.pass(600);
    let first_bad = bench.time;
    assert!(bench.look(bad()));
    bench.pass(600);
    assert!(!bench.look(bad()));
    let facts = bench.board.facts(&key());
    let [fact] = facts.manifests.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!(fact.at, first_bad);
    assert_eq!(fact.last_good, Some(last_good));
    assert_eq!(fact.checked_at, bench.time);
    bench.pass(600);
    assert!(bench.look(good()));
    assert_eq!(bench.board.facts(&key()).manifests[0].at, bench.time);
}

#[test]
fn a_changed_revision_is_due_at_once_and_makes_the_look_on_its_way_void() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    let first_good = bench.time;
    bench.look(good());
    bench.pass(600);
    let old = bench.take().unwrap();
    let mut changed = job("panel");
    changed.revision = "2".to_owned();
    assert!(bench.want(vec![changed]));
    let new = bench.take().expect("due at once");
    assert!(!bench.see(&old, bad()), "the old look is void");
    assert_eq!(bench.board.facts(&key()).manifests[0].revision, "1");
    assert!(
        bench.see(&new, good()),
        "the same look at another revision is news"
    );
    let fact = bench.board.facts(&key()).manifests.remove(0);
    assert_eq!((fact.revision.as_str(), fact.at), ("2", first_good));
    assert!(bench.seconds_to_next() <= 30.0, "trust begins anew");
}

#[test]
fn a_changed_url_forgets_what_was_known() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    bench.look(good());
    let mut changed = job("panel");
    changed.url = Url::parse("https://new.acme.example/manifest.json").unwrap();
    bench.want(vec![changed]);
    assert!(bench.board.facts(&key()).manifests.is_empty());
    bench.look(bad());
    assert_eq!(bench.board.facts(&key()).manifests[0].last_good, None);
}

#[test]
fn changed_pods_are_asked_at_once_only_when_it_was_bad() {
    let mut bench = Bench::new();
    let with_pods = |pods: Vec<SocketAddr>| {
        let mut job = job("panel");
        job.pods = pods;
        vec![job]
    };
    bench.want(with_pods(vec![pod(7)]));
    bench.look(good());
    assert!(!bench.want(with_pods(vec![pod(8)])));
    bench.pass(600);
    for _ in 0..6 {
        bench.look(bad());
        bench.pass(15);
    }
    bench.look(bad());
    bench.pass(5);
    assert!(bench.take().is_none(), "the next retry is later");
    assert!(bench.want(with_pods(vec![pod(9)])));
    assert!(bench.take().is_some());
}

#[test]
fn pods_that_change_during_a_bad_look_are_asked_soon_after_it() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    for _ in 0..6 {
        bench.look(bad());
        bench.pass(15);
    }
    let task = bench.take().unwrap();
    let mut changed = job("panel");
    changed.pods = vec![pod(8)];
    bench.want(vec![changed]);
    assert!(bench.take().is_none(), "one look at a time");
    bench.see(&task, bad());
    assert!(bench.seconds_to_next() <= 1.0, "{}", bench.seconds_to_next());
}

#[test]
fn what_is_no_longer_wished_is_forgotten() {
    let mut bench = Bench::new();
    bench.want(vec![job("one"), job("two")]);
    bench.look(good());
    bench.look(good());
    assert!(bench.take().is_none());
    let names = |bench: &Bench| -> Vec<String> {
        let manifests = bench.board.facts(&key()).manifests;
        manifests.into_iter().map(|fact| fact.name).collect()
    };
    assert_eq!(names(&bench), ["one", "two"]);
    bench.want(vec![job("two")]);
    assert_eq!(names(&bench), ["two"]);
    bench.want(Vec::new());
    bench.pass(3600);
    assert!(bench.take().is_none());
    assert!(bench.board.plugins.is_empty() && bench.board.targets.is_empty());
}

#[test]
fn a_forgotten_plugins_look_leaves_nothing_behind() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    let task = bench.take().unwrap();
    bench.board.forget(&key());
    assert!(!bench.see(&task, good()));
    assert!(bench.board.plugins.is_empty() && bench.board.targets.is_empty());
    assert_eq!((bench.board.running, bench.board.retrying), (0, 0));
    assert_eq!(bench.board.next_due(&bench.settings), None);
}

#[test]
fn no_more_looks_run_than_allowed_and_bad_ones_leave_half_of_the_places() {
    let mut bench = Bench::new();
    bench.settings.concurrency = 4;
    let names: Vec<String> = (0..8).map(|index| format!("bad-{index}")).collect();
    bench.want(names.iter().map(|name| job(name)).collect());
    for _ in 0..8 {
        bench.look(bad());
    }
    bench.pass(15);
    let retries: Vec<_> = std::iter::from_fn(|| bench.take()).collect();
    assert_eq!(retries.len(), 2, "half of the places");
    assert_eq!(
        bench.board.next_due(&bench.settings),
        None,
        "nothing else is due before one ends"
    );
    let other = PluginKey::new("acme", "other");
    let jobs = vec![job("a"), job("b"), job("c")];
    bench.board.want(&other, jobs, None, &bench.settings, bench.now);
    let fresh: Vec<_> = std::iter::from_fn(|| bench.take()).collect();
    assert_eq!(fresh.len(), 2, "all places");
    assert!(fresh.iter().all(|task| *task.key == other));
}

#[test]
fn readiness_is_asked_at_the_quick_pace_and_only_of_pods() {
    let mut bench = Bench::new();
    let readiness = |pods: Vec<SocketAddr>| {
        Some(ReadinessJob {
            pods,
            path: Some("/healthz".to_owned()),
        })
    };
    bench.board.want(
        &key(),
        Vec::new(),
        readiness(Vec::new()),
        &bench.settings,
        bench.now,
    );
    assert!(bench.take().is_none(), "there is nobody to ask");
    bench.board.want(
        &key(),
        Vec::new(),
        readiness(vec![pod(7)]),
        &bench.settings,
        bench.now,
    );
    assert!(bench.look(bad()));
    assert!(bench.seconds_to_next() <= 1.0);
    let fact = bench.board.facts(&key()).readiness.unwrap();
    assert_eq!((fact.look, fact.at), (ReadinessLook::NotListening, bench.time));
    bench
        .board
        .want(&key(), vec![job("panel")], None, &bench.settings, bench.now);
    assert_eq!(bench.board.facts(&key()).readiness, None);
}

#[test]
fn looks_that_ended_with_the_run_are_taken_again() {
    let mut bench = Bench::new();
    bench.want(vec![job("panel")]);
    let lost = bench.take().unwrap();
    assert!(bench.take().is_none());
    bench.board.restart(bench.now);
    let again = bench.take().expect("due again");
    assert_eq!(lost.id, again.id);
    assert!(bench.see(&again, good()));
}
