//! The seconds of the parties: over verdicts, restarts, lost answers and clocks that are set back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::report::impairment::{settled, word};

const REASONS: [Reason; 4] = [
    Reason::ProcessExited,
    Reason::ReportsUnhealthy,
    Reason::ImageNotFound,
    Reason::CoreUnreachable,
];

/// What becomes of the write of a status.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Made,
    /// It was made, and the answer is lost.
    Lost,
    /// It was not made, and that is not known.
    Failed,
    Refused,
}

#[derive(Clone, Debug)]
enum Step {
    Forward(i64),
    Back(i64),
    /// A pass: what it finds, how long the write takes, whether somebody looks meanwhile, and what becomes of it.
    Pass(Option<Reason>, i64, bool, Fate),
    Look,
    /// The process ends, and another one begins so many seconds later.
    Restart(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reason = prop::option::weighted(0.7, prop::sample::select(REASONS.to_vec()));
    let fate = prop_oneof![
        6 => Just(Fate::Made), 1 => Just(Fate::Lost), 1 => Just(Fate::Failed), 1 => Just(Fate::Refused)
    ];
    let step = prop_oneof![
        4 => (0_i64..900).prop_map(Step::Forward),
        1 => (1_i64..900).prop_map(Step::Back),
        4 => (reason, 0_i64..5, any::<bool>(), fate).prop_map(|(reason, takes, looked, fate)| Step::Pass(reason, takes, looked, fate)),
        3 => Just(Step::Look),
        1 => (0_i64..300).prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the operator does, beside what should come of it.
struct Model {
    process: Process,
    clock: Arc<AtomicI64>,
    /// What stands on the API server.
    written: WazoPluginStatus,
    /// The latest moment at which the process looked at its clock.
    latest: i64,
    /// What is over, and what runs: party and begin.
    over: BTreeMap<String, i64>,
    runs: Option<(String, i64)>,
    /// Whether the process knows what stands on the API server.
    knows: bool,
    /// The last that was shown, by whichever process.
    shown: BTreeMap<String, i64>,
}

impl Model {
    fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        Self {
            process: Process::new(&clock),
            clock,
            written: WazoPluginStatus::default(),
            latest: 0,
            over: BTreeMap::new(),
            runs: None,
            knows: true,
            shown: BTreeMap::new(),
        }
    }

    fn looks_at_the_clock(&mut self) {
        self.latest = self.latest.max(self.clock.load(Ordering::Relaxed));
    }

    /// For how long each party was blamed, by the clock as far as it never goes back.
    fn truth(&self) -> BTreeMap<String, i64> {
        let mut truth = self.over.clone();
        if let Some((party, begin)) = &self.runs {
            *truth.entry(party.clone()).or_default() += self.latest - begin;
        }
        truth
    }

    /// Somebody looks at the metric: the answer is what they see.
    fn look(&mut self) -> BTreeMap<String, i64> {
        self.looks_at_the_clock();
        let text = self.process.text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("wazo_plugin_impaired_seconds_total{"));
        lines
            .map(|line| {
                let party = line.split("party=\"").nth(1).unwrap().split('"').next().unwrap();
                let seconds = line.rsplit(' ').next().unwrap().parse().unwrap();
                (party.to_owned(), seconds)
            })
            .collect()
    }

    /// Nothing goes back, and nothing is counted twice.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let seen = self.look();
        let truth = self.truth();
        for (party, seconds) in &seen {
            let (before, most) = (self.shown.get(party).copied(), truth.get(party).copied());
            prop_assert!(
                Some(*seconds) >= before,
                "{} goes back: {} after {:?}",
                party,
                seconds,
                before
            );
            prop_assert!(Some(*seconds) <= most, "{} has {} of {:?}", party, seconds, most);
        }
        if self.knows {
            let some = |all: &BTreeMap<String, i64>| -> BTreeMap<String, i64> {
                all.iter()
                    .filter(|(_, seconds)| **seconds > 0)
                    .map(|(party, seconds)| (party.clone(), *seconds))
                    .collect()
            };
            prop_assert_eq!(some(&seen), some(&truth), "what is shown, and what was");
        }
        self.shown.extend(seen);
        Ok(())
    }

    fn pass(
        &mut self,
        found: Option<Reason>,
        takes: i64,
        looked: bool,
        fate: Fate,
    ) -> Result<(), TestCaseError> {
        self.looks_at_the_clock();
        let moment = self.process.metrics.moment_of(&key(), &core(), &self.written);
        prop_assert_eq!(moment.as_second(), self.latest);
        let status = settled(&self.written, status(found), moment);
        let same = self.written.fault.as_ref().map(|fault| fault.reason) == found;
        if same {
            prop_assert_eq!(
                &status,
                &self.written,
                "it is written only where the fault is another one"
            );
            self.process.metrics.plugin(&key(), &core(), &status);
            self.knows = true;
            return Ok(());
        }
        self.clock.fetch_add(takes, Ordering::Relaxed);
        if looked {
            self.knows = false;
            self.check()?;
        }
        if matches!(fate, Fate::Made | Fate::Lost) {
            if let Some((party, begin)) = self.runs.take() {
                *self.over.entry(party).or_default() += moment.as_second() - begin;
            }
            self.runs = status
                .fault
                .as_ref()
                .map(|fault| (word(fault.party), moment.as_second()));
            self.written = status.clone();
        }
        match fate {
            Fate::Made => {
                self.process.metrics.plugin(&key(), &core(), &status);
                self.knows = true;
            }
            Fate::Lost | Fate::Failed => self.knows = false,
            Fate::Refused => self.process.metrics.not_written(&key()),
        }
        Ok(())
    }

    fn restart(&mut self, later: i64) {
        self.clock.store(self.latest + later, Ordering::Relaxed);
        self.process = Process::new(&self.clock);
        self.looks_at_the_clock();
        let moment = self.process.metrics.moment_of(&key(), &core(), &self.written);
        let status = settled(&self.written, self.written.clone(), moment);
        assert_eq!(status, self.written, "a restart writes nothing");
        self.process.metrics.plugin(&key(), &core(), &status);
        self.knows = true;
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Forward(seconds) => drop(self.clock.fetch_add(*seconds, Ordering::Relaxed)),
            Step::Back(seconds) => drop(self.clock.fetch_sub(*seconds, Ordering::Relaxed)),
            Step::Pass(found, takes, looked, fate) => self.pass(*found, *takes, *looked, *fate)?,
            Step::Look => self.check()?,
            Step::Restart(later) => self.restart(*later),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn each_second_of_a_fault_counts_once_and_for_one_party_and_none_is_taken_back(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step)?;
        }
        model.restart(0);
        model.check()?;
    }
}

#[test]
fn what_somebody_wrote_into_the_status_is_not_believed_where_it_cannot_be() {
    let before = WazoPluginStatus {
        impaired_seconds: BTreeMap::from([("Core".to_owned(), -5)]),
        impaired_since: Some(crate::api::condition::seconds(Timestamp::UNIX_EPOCH)),
        ..WazoPluginStatus::default()
    };
    let at = Timestamp::from_second(10).unwrap();
    let healthy = settled(&before, status(None), at);
    assert_eq!(healthy.impaired_since, None);
    let core = settled(&before, status(Some(Reason::CoreUnreachable)), at);
    assert_eq!(core.impaired_seconds["Core"], 0);
    assert_eq!(core.impaired_since.unwrap().0, at);
}

#[test]
fn a_fault_that_was_there_before_the_accounts_were_begins_to_count_now() {
    let before = status(Some(Reason::ProcessExited));
    let at = Timestamp::from_second(10).unwrap();
    let after = settled(&before, before.clone(), at);
    assert_eq!(after.impaired_since.unwrap().0, at);
    assert!(after.impaired_seconds.is_empty());
}
