//! All cores in use: what the controller talks to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use prometheus::Registry;
use tokio::sync::Notify;

use super::account::{AccountFact, AccountWish};
use super::actor::live;
use super::facts::{CoreFacts, CoreStep, Interest, StepOutcome};
use super::grave::Grave;
use super::link::{Link, Phase, Shared};
use super::metrics::Metrics;
use super::outside::Outside;
use super::settings::{CoreSettings, Intervals};
use super::stack::Stack;
use super::wire::{CaError, WireFactory};
use crate::keys::{CoreKey, PluginKey, Waker};

/// How long a shutdown may take.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);
/// How long wishes of one application are gathered before the first write.
const GATHER: Duration = Duration::from_millis(50);

/// All cores in use. Clones share the same cores.
#[derive(Clone)]
pub struct Cores(Arc<Inner>);

struct Inner {
    wires: Arc<dyn WireFactory>,
    shared: Arc<Shared>,
    state: Mutex<State>,
    /// There are links whose actor does not run yet.
    news: Notify,
}

#[derive(Default)]
struct State {
    links: BTreeMap<CoreKey, Arc<Link>>,
    stacks: Vec<Weak<Stack>>,
    closed: bool,
}

impl State {
    /// The stack of these settings, shared with other cores if there are any.
    fn stack(
        &mut self,
        wires: &dyn WireFactory,
        settings: &CoreSettings,
        intervals: &Intervals,
    ) -> Result<Arc<Stack>, CaError> {
        self.stacks.retain(|stack| stack.strong_count() > 0);
        let known = self.stacks.iter().filter_map(Weak::upgrade);
        let same = |stack: &Arc<Stack>| stack.url == settings.url && stack.ca_pem == settings.ca_pem;
        if let Some(stack) = known.into_iter().find(same) {
            return Ok(stack);
        }
        let wire = wires.wire(&settings.url, settings.ca_pem.as_deref())?;
        let stack = Arc::new(Stack::new(
            settings.url.clone(),
            settings.ca_pem.clone(),
            wire,
            settings.requests_per_second,
            intervals,
        ));
        self.stacks.push(Arc::downgrade(&stack));
        Ok(stack)
    }
}

impl Cores {
    /// No cores yet. Nothing happens until [`Cores::run`] is polled. The metrics are registered in `registry`; for a
    /// second `Cores` with the same registry they are not shown, which is logged.
    #[must_use]
    pub fn new(wires: Arc<dyn WireFactory>, waker: Waker, intervals: Intervals, registry: &Registry) -> Self {
        Self(Arc::new(Inner {
            wires,
            shared: Arc::new(Shared {
                intervals,
                metrics: Metrics::new(registry),
                grave: Grave::default(),
                outside: Outside::default(),
                waker,
            }),
            state: Mutex::default(),
            news: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, key: &CoreKey) -> Option<Arc<Link>> {
        self.state().links.get(key).cloned()
    }

    /// Runs the actors of all cores, for ever. No task is spawned: dropping the future ends them all, each at the
    /// point where it waits. To be run once.
    pub async fn run(&self) {
        let mut actors = FuturesUnordered::new();
        let mut known: Vec<Weak<Link>> = Vec::new();
        let tending = self.0.shared.grave.tend();
        tokio::pin!(tending);
        loop {
            known.retain(|link| link.strong_count() > 0);
            for link in self.state().links.values() {
                if !known
                    .iter()
                    .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(link)))
                {
                    known.push(Arc::downgrade(link));
                    actors.push(live(link.clone()));
                }
            }
            tokio::select! {
                Some(()) = actors.next(), if !actors.is_empty() => {}
                () = &mut tending => {}
                () = self.0.news.notified() => {}
            }
        }
    }

    /// Creates or changes a core. Unchanged settings have no effect; other credentials mean a new login at once.
    ///
    /// # Errors
    ///
    /// [`CaError`] when the CA bundle cannot be used; the core stays as it was.
    pub fn put(&self, settings: CoreSettings) -> Result<(), CaError> {
        let mut state = self.state();
        if state.closed {
            return Ok(());
        }
        let known = state.links.get(&settings.key).cloned();
        if known
            .as_ref()
            .and_then(|link| link.state().aim.clone())
            .is_some_and(|aim| aim.settings == settings)
        {
            return Ok(());
        }
        let stack = state.stack(&*self.0.wires, &settings, &self.0.shared.intervals)?;
        let link = known.unwrap_or_else(|| self.add(&mut state, &settings.key));
        drop(state);
        link.aim_at(settings, stack);
        Ok(())
    }

    fn add(&self, state: &mut State, key: &CoreKey) -> Arc<Link> {
        let link = Arc::new(Link::new(key.clone(), self.0.shared.clone()));
        state.links.insert(key.clone(), link.clone());
        self.0.news.notify_one();
        link
    }

    /// Forgets a core with its facts and wishes; its token is deleted.
    pub fn remove(&self, key: &CoreKey) {
        let link = self.state().links.remove(key);
        if let Some(link) = link {
            link.end();
            self.0.shared.metrics.forget(key);
        }
    }

    /// What is known of a core; `None`: never [`Cores::put`].
    #[must_use]
    pub fn facts(&self, key: &CoreKey) -> Option<Arc<CoreFacts>> {
        let link = self.link(key)?;
        let state = link.state();
        state.aim.as_ref().map(|_| state.facts.clone())
    }

    /// Replaces all wishes of the plugin for this core. A step that was wished for before keeps its outcome. A wish
    /// may come before its core.
    ///
    /// Steps that `stood` are known to have held before this process looked: where they do not hold, somebody else undid
    /// them, and they wait for [`Self::put_back`].
    pub fn wish(&self, key: &CoreKey, plugin: &PluginKey, steps: Vec<CoreStep>, stood: &BTreeSet<CoreStep>) {
        let link = {
            let mut state = self.state();
            match state.links.get(key).cloned() {
                Some(link) => link,
                None if steps.is_empty() || state.closed => return,
                None => self.add(&mut state, key),
            }
        };
        if link.state().wishes.wish(plugin, steps, stood, GATHER) {
            link.confd_wake.notify_one();
        }
    }

    /// Wishes anew for steps that somebody else undid.
    pub fn put_back(&self, key: &CoreKey, plugin: &PluginKey, steps: &[CoreStep]) {
        let Some(link) = self.link(key) else { return };
        if link.state().wishes.put_back(plugin, steps, GATHER) {
            link.confd_wake.notify_one();
        }
    }

    /// Replaces what the plugin needs to know of this core. It is woken when that is known, or changes; and at once where
    /// it asks for something new, since that may have become known between its look at the facts and now.
    pub fn attend(&self, key: &CoreKey, plugin: &PluginKey, interest: Interest) {
        let Some(link) = self.link(key) else {
            return;
        };
        let tenants = interest.tenants;
        let rights = interest.everywhere || !interest.users.is_empty();
        let daemons = interest.daemons.clone();
        let mut state = link.state();
        let fewer = daemons.is_empty() && !state.wishes.interests.daemons().is_empty();
        let news = state.wishes.interests.set(plugin, interest);
        if news && tenants {
            state.wishes.read_together_soon();
        }
        if news && rights {
            state.rights.ask_at = tokio::time::Instant::now();
        }
        drop(state);
        if news {
            link.wake_plugins([plugin.clone()].into());
            link.auth_wake.notify_one();
            link.confd_wake.notify_one();
        }
        let watched = |daemon| link.state().facts.services.contains_key(daemon);
        if fewer || news && !daemons.iter().all(watched) {
            link.others_wake.notify_one();
        }
    }

    /// Something outside of the cluster answered, in the course of something else.
    pub fn outside_answered(&self, host: &str) {
        self.0.shared.outside.answered(host);
    }

    /// What became of the wishes of the plugin for this core, in the order in which they were left.
    #[must_use]
    pub fn outcomes(&self, key: &CoreKey, plugin: &PluginKey) -> Vec<StepOutcome> {
        self.link(key)
            .map_or_else(Vec::new, |link| link.state().wishes.outcomes(plugin))
    }

    /// Says what the plugin wants of its account at this core; `None`: nothing any more. A wish may come before its
    /// core.
    pub fn wish_account(&self, key: &CoreKey, plugin: &PluginKey, wish: Option<AccountWish>) {
        let Some(link) = self.link(key) else { return };
        if link.state().accounts.wish(plugin, wish, &self.0.shared.intervals) {
            link.auth_wake.notify_one();
        }
    }

    /// A plugin began to fail: the credentials that its pods have are tried soon, as it would use them.
    pub fn suspect_account(&self, key: &CoreKey, plugin: &PluginKey) {
        let Some(link) = self.link(key) else { return };
        let look = link.state().accounts.suspect(plugin, &self.0.shared.intervals);
        if look {
            link.wake_plugins([plugin.clone()].into());
        }
    }

    /// What is known of the account of a plugin at this core.
    #[must_use]
    pub fn account(&self, key: &CoreKey, plugin: &PluginKey) -> Option<AccountFact> {
        self.link(key)?.state().accounts.fact(plugin)
    }

    /// The certificate authority of the core's stack, PEM, where it has one of its own.
    #[must_use]
    pub fn ca_pem(&self, key: &CoreKey) -> Option<Arc<[u8]>> {
        let link = self.link(key)?;
        let state = link.state();
        state.aim.as_ref()?.settings.ca_pem.clone()
    }

    /// Forgets all wishes of a plugin, at every core.
    pub fn forget(&self, plugin: &PluginKey) {
        let mut state = self.state();
        state.links.retain(|_, link| {
            let mut link_state = link.state();
            link_state
                .wishes
                .wish(plugin, Vec::new(), &BTreeSet::new(), GATHER);
            link_state.accounts.wish(plugin, None, &self.0.shared.intervals);
            link_state.wishes.interests.set(plugin, Interest::default());
            let unused =
                link_state.aim.is_none() && link_state.wishes.is_empty() && link_state.accounts.is_empty();
            if unused {
                link.phase.send_replace(Phase::Ended);
            }
            !unused
        });
    }

    /// Deletes the tokens of all cores, within 5 seconds; nothing is sent afterwards. It works whether or not
    /// [`Cores::run`] is still polled.
    pub async fn shutdown(&self) {
        let links: Vec<Arc<Link>> = {
            let mut state = self.state();
            state.closed = true;
            state.links.values().cloned().collect()
        };
        for link in links {
            link.end();
        }
        self.0.shared.grave.close(SHUTDOWN_LIMIT).await;
    }
}
