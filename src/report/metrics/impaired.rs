//! `wazo_plugin_impaired_seconds_total`: what the statuses say, and what has gone by since. It is computed when somebody
//! asks, so that a fault that lasts costs no writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Error, IntCounterVec, Opts};

use crate::api::plugin::WazoPluginStatus;
use crate::keys::PluginKey;
use crate::report::impairment::{self, Running};

const LABELS: [&str; 4] = ["namespace", "name", "core", "party"];

/// Tells the time.
pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The accounts of all plugins. Clones share them.
///
/// What was shown is never taken back while the process lives. Over a restart nothing is taken back either: while a status
/// that ends an account is written, no later moment is shown than the one that it says.
#[derive(Clone)]
pub(super) struct Impaired(Arc<Shared>);

struct Shared {
    clock: Clock,
    book: Mutex<Book>,
    desc: Vec<Desc>,
}

#[derive(Default)]
struct Book {
    /// The latest moment that the clock ever told: it may be set back.
    latest: i64,
    accounts: HashMap<PluginKey, Account>,
}

#[derive(Default)]
struct Account {
    core: String,
    stored: BTreeMap<String, i64>,
    running: Option<Running>,
    /// The end that is being written.
    held: Option<i64>,
    /// What was shown.
    shown: BTreeMap<String, i64>,
}

impl Account {
    /// The seconds of each party.
    fn show(&mut self, now: i64) -> &BTreeMap<String, i64> {
        let mut seconds = self.stored.clone();
        if let Some(running) = &self.running {
            let end = self.held.map_or(now, |held| held.min(now));
            let total = seconds.entry(impairment::word(running.party)).or_default();
            *total = total.saturating_add(running.seconds_until(end));
        }
        for (party, seconds) in seconds {
            let shown = self.shown.entry(party).or_default();
            *shown = seconds.max(*shown);
        }
        &self.shown
    }
}

impl Impaired {
    pub(super) fn new(clock: Clock) -> Result<Self, Error> {
        let desc = family()?.desc().into_iter().cloned().collect();
        Ok(Self(Arc::new(Shared {
            clock,
            book: Mutex::default(),
            desc,
        })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, book: &mut Book) -> i64 {
        book.latest = book.latest.max((self.0.clock)().as_second());
        book.latest
    }

    /// The moment at which an account of a plugin, whose status was read as this, may end or begin. Until the next status is
    /// known or not written, nothing later is shown.
    pub(super) fn hold(&self, plugin: &PluginKey, core: &str, read: &WazoPluginStatus) -> Timestamp {
        // An answer to the last write may have been lost: what stands there counts.
        self.put(plugin, core, read);
        let mut book = self.book();
        let now = self.now(&mut book);
        if let Some(account) = book.accounts.get_mut(plugin) {
            account.held = Some(now);
        }
        Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Nothing was written.
    pub(super) fn release(&self, plugin: &PluginKey) {
        if let Some(account) = self.book().accounts.get_mut(plugin) {
            account.held = None;
        }
    }

    /// The accounts as they stand in a plugin's status.
    pub(super) fn put(&self, plugin: &PluginKey, core: &str, status: &WazoPluginStatus) {
        let mut book = self.book();
        let account = book.accounts.entry(plugin.clone()).or_default();
        core.clone_into(&mut account.core);
        account.stored = impairment::stored(status);
        account.running = Running::of(status);
        account.held = None;
    }

    /// A plugin is gone: so are its series.
    pub(super) fn forget(&self, plugin: &PluginKey) {
        self.book().accounts.remove(plugin);
    }
}

fn family() -> Result<IntCounterVec, Error> {
    let help = "Seconds for which a fault of this party was the plugin's first one";
    IntCounterVec::new(Opts::new("wazo_plugin_impaired_seconds_total", help), &LABELS)
}

impl Collector for Impaired {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(counters) = family() else {
            return Vec::new();
        };
        let mut book = self.book();
        let now = self.now(&mut book);
        for (plugin, account) in &mut book.accounts {
            let core = account.core.clone();
            for (party, seconds) in account.show(now) {
                let labels = [plugin.namespace.as_str(), &plugin.name, &core, party];
                let seconds = u64::try_from(*seconds).unwrap_or_default();
                counters.with_label_values(&labels).inc_by(seconds);
            }
        }
        counters.collect()
    }
}
