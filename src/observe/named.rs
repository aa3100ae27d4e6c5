//! Watches by name: one for each plugin that names an object, and none while nobody names one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use crate::keys::PluginKey;

/// Which plugins name which objects.
#[derive(Debug)]
pub(super) struct Named<R> {
    wanted: Mutex<HashMap<PluginKey, R>>,
    changed: Notify,
}

impl<R> Default for Named<R> {
    fn default() -> Self {
        Self {
            wanted: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl<R: Clone + PartialEq> Named<R> {
    /// What a plugin names now; the same again changes nothing.
    pub(super) fn want(&self, key: &PluginKey, reference: Option<&R>) {
        let mut wanted = self.wanted();
        if wanted.get(key) == reference {
            return;
        }
        match reference {
            Some(reference) => wanted.insert(key.clone(), reference.clone()),
            None => wanted.remove(key),
        };
        self.changed.notify_one();
    }

    /// Runs a watch for each object that is named, until dropped. `follow` begins a watch, `ended` is told of one that
    /// nobody wants any more, before another one of the same plugin begins.
    pub(super) async fn run<F>(&self, follow: impl Fn(PluginKey, R) -> F, ended: impl Fn(&PluginKey))
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut running: HashMap<PluginKey, (R, AbortHandle)> = HashMap::new();
        loop {
            let wanted = self.wanted().clone();
            running.retain(|key, (reference, task)| {
                let stays = wanted.get(key) == Some(&*reference);
                if !stays {
                    task.abort();
                    ended(key);
                }
                stays
            });
            for (key, reference) in wanted {
                running.entry(key).or_insert_with_key(|key| {
                    let task = tasks.spawn(follow(key.clone(), reference.clone()));
                    (reference, task)
                });
            }
            tokio::select! {
                () = self.changed.notified() => {}
                // Those that were ended make room.
                Some(_) = tasks.join_next() => {}
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, HashMap<PluginKey, R>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
