//! Counts the requests of an operator between two moments: those to the API server from its audit log, those to the core
//! from the journal of the simulated one.

use std::collections::BTreeMap;
use std::time::Duration;

use wazo_simulated_core::Entry;

use crate::audit::{self, Kind, Mark};
use crate::operator::Wiring;
use crate::trial::Trial;

/// So long nothing is written when something has come to its end: what a status says in other words waits for 11 s.
const QUIET: Duration = Duration::from_secs(12);

/// What a request to the core is about, as far as one counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoreKind {
    /// A session is begun or ended.
    Session,
    /// Rights are asked for, or a session is looked at.
    Rights,
    /// Something is read.
    Read,
    /// Something is made, changed or deleted.
    Write,
}

impl CoreKind {
    fn of(entry: &Entry) -> Self {
        let path = entry.path.split('?').next().unwrap_or_default();
        match entry.method.as_str() {
            "GET" | "HEAD" if path.contains("/token/") => Self::Rights,
            _ if path.ends_with("/scopes/check") => Self::Rights,
            _ if path.ends_with("/token") || path.contains("/token/") => Self::Session,
            "GET" | "HEAD" => Self::Read,
            _ => Self::Write,
        }
    }
}

/// What was asked between two moments.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What happened meanwhile.
    pub what: &'static str,
    api: BTreeMap<Kind, usize>,
    core: BTreeMap<CoreKind, usize>,
    /// The requests that changed something, for people.
    pub writes: Vec<String>,
}

/// The most that may be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Most {
    /// Of the API server: reads and lists.
    pub reads: usize,
    /// Writes that are only tried.
    pub dry_runs: usize,
    /// Objects.
    pub objects: usize,
    /// Statuses.
    pub statuses: usize,
    /// Events.
    pub events: usize,
    /// Of the core: logins and logouts.
    pub core_sessions: usize,
    /// Reads, and questions for rights.
    pub core_reads: usize,
    /// Writes.
    pub core_writes: usize,
}

impl Asked {
    fn api(&self, kind: Kind) -> usize {
        self.api.get(&kind).copied().unwrap_or_default()
    }

    fn core(&self, kind: CoreKind) -> usize {
        self.core.get(&kind).copied().unwrap_or_default()
    }

    /// Asked as often as said, or less often.
    ///
    /// # Panics
    /// Where anything was asked more often.
    pub fn is_at_most(&self, most: Most) {
        let counts = [
            ("reads", self.api(Kind::Get) + self.api(Kind::List), most.reads),
            ("dry runs", self.api(Kind::DryRun), most.dry_runs),
            ("objects", self.api(Kind::Write), most.objects),
            ("statuses", self.api(Kind::Status), most.statuses),
            ("events", self.api(Kind::Event), most.events),
            ("core: sessions", self.core(CoreKind::Session), most.core_sessions),
            (
                "core: reads",
                self.core(CoreKind::Read) + self.core(CoreKind::Rights),
                most.core_reads,
            ),
            ("core: writes", self.core(CoreKind::Write), most.core_writes),
        ];
        for (what, count, most) in counts {
            assert!(
                count <= most,
                "{}: {what}: {count}, more than {most}:\n{}",
                self.what,
                self.writes.join("\n")
            );
        }
    }

    /// How often the core was read.
    #[must_use]
    pub fn reads_of_the_core(&self) -> usize {
        self.core(CoreKind::Read)
    }

    /// Nothing was written, neither to the API server nor to the core.
    ///
    /// # Panics
    /// Where something was.
    pub fn wrote_nothing(&self) {
        assert!(self.writes.is_empty(), "{}: {:#?}", self.what, self.writes);
    }
}

/// Counts from a moment on.
pub struct Meter {
    mark: Mark,
    sequence: u64,
}

impl Meter {
    /// From now on.
    ///
    /// # Panics
    /// Where the API server keeps no audit log.
    #[must_use]
    pub fn start(trial: &Trial) -> Self {
        Self {
            mark: audit(trial).mark(),
            sequence: trial.core().journal().sequence(),
        }
    }

    /// What was asked since.
    ///
    /// # Panics
    /// Where the API server keeps no audit log.
    #[must_use]
    pub fn read(&self, trial: &Trial, what: &'static str) -> Asked {
        let user = trial.plane().operator_user().unwrap_or_default();
        let lines = audit(trial).since(self.mark, user, trial.namespace());
        let entries = trial.core().journal().since(self.sequence);
        let mut core = BTreeMap::new();
        let mut writes: Vec<String> = lines
            .iter()
            .filter(|line| line.writes())
            .map(audit::Line::told)
            .collect();
        for entry in entries.iter().filter(|entry| !entry.stranger) {
            let kind = CoreKind::of(entry);
            *core.entry(kind).or_default() += 1;
            if kind == CoreKind::Write {
                writes.push(format!("core: {} {}", entry.method, entry.path));
            }
        }
        Asked {
            what,
            api: audit::counted(&lines),
            core,
            writes,
        }
    }

    /// Waits until nothing was written for a while.
    ///
    /// # Panics
    /// Where writing never ends.
    pub async fn settled(&self, trial: &Trial) {
        let writes = || self.read(trial, "").writes.len();
        let settling = async {
            let mut before = writes();
            loop {
                tokio::time::sleep(QUIET).await;
                let now = writes();
                if now == before {
                    return;
                }
                before = now;
            }
        };
        assert!(
            tokio::time::timeout(trial.patience, settling).await.is_ok(),
            "it is written all the time"
        );
    }
}

fn audit(trial: &Trial) -> &'static audit::Audit {
    trial.plane().audit().expect("an audited trial has an audit log")
}

/// The times of production: what is asked by the clock is asked seldom, so what is counted comes of what happens.
pub fn as_in_production(wiring: &mut Wiring) {
    use wazo_plugin_operator::controller::Settings;
    use wazo_plugin_operator::core::Intervals;
    use wazo_plugin_operator::probe::ProbeSettings;
    wiring.intervals = Intervals {
        jitter: 0.0,
        ..Intervals::default()
    };
    wiring.settings = Settings::default();
    let known = wiring.probe.clone();
    wiring.probe = ProbeSettings {
        extra_roots_pem: known.extra_roots_pem,
        allowed_cidrs: known.allowed_cidrs,
        ..ProbeSettings::default()
    };
}

/// The rows as a table of Markdown.
#[must_use]
pub fn table(rows: &[Asked]) -> String {
    let mut text = String::from(
        "| | API server: get | list | watch | dry run | objects | status | events | core: sessions | rights | reads | writes |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let api = [
            Kind::Get,
            Kind::List,
            Kind::Watch,
            Kind::DryRun,
            Kind::Write,
            Kind::Status,
            Kind::Event,
        ];
        let core = [
            CoreKind::Session,
            CoreKind::Rights,
            CoreKind::Read,
            CoreKind::Write,
        ];
        let counts = api
            .map(|kind| row.api(kind))
            .into_iter()
            .chain(core.map(|kind| row.core(kind)));
        let counts: Vec<String> = counts.map(|count| count.to_string()).collect();
        text.push_str(&format!("| {} | {} |\n", row.what, counts.join(" | ")));
    }
    text
}
