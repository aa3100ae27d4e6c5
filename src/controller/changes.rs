//! When the settings of a core were last changed by us: what worked before that says nothing of what fails after it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::core::CoreSettings;
use crate::keys::CoreKey;

/// The settings of each core as this process first saw them, and when they were last changed since.
#[derive(Debug, Default)]
pub(super) struct Changes {
    known: Mutex<HashMap<CoreKey, (CoreSettings, Option<Timestamp>)>>,
    versions: Mutex<HashMap<CoreKey, (String, Option<Timestamp>)>>,
}

impl Changes {
    /// These settings are in force now.
    pub(super) fn note(&self, settings: CoreSettings, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match known.get(&settings.key) {
            None => None,
            Some((before, at)) if way(before) == way(&settings) => *at,
            Some(_) => Some(now),
        };
        known.insert(settings.key.clone(), (settings, changed));
    }

    /// The core says that it is of this version now; the status that was written last says `before`.
    pub(super) fn note_version(&self, core: &CoreKey, before: Option<&str>, version: &str, now: Timestamp) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = versions
            .entry(core.clone())
            .or_insert_with(|| (before.unwrap_or(version).to_owned(), None));
        if known.0 != version {
            *known = (version.to_owned(), Some(now));
        }
    }

    /// When its version last became another; `None`: not as far as is known.
    pub(super) fn version_at(&self, core: &CoreKey) -> Option<Timestamp> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(core).and_then(|(_, at)| *at)
    }

    /// When they were last changed; `None`: not since this process began.
    pub(super) fn at(&self, key: &CoreKey) -> Option<Timestamp> {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .and_then(|(_, at)| *at)
    }

    /// Forgets a core.
    pub(super) fn forget(&self, key: &CoreKey) {
        self.versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

/// What decides whether the core is reached and lets us in.
fn way(settings: &CoreSettings) -> impl PartialEq {
    let CoreSettings {
        url,
        ca_pem,
        username,
        password,
        tenant,
        ..
    } = settings.clone();
    (url, ca_pem, username, password, tenant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ListForm, StackUrl};
    use crate::secret::Secret;

    fn settings(password: &str, rate: u32) -> CoreSettings {
        CoreSettings {
            key: CoreKey::new("acme", "main"),
            url: StackUrl::try_from("https://stack.example").unwrap(),
            ca_pem: None,
            username: "operator".to_owned(),
            password: Secret::new(password),
            tenant: None,
            applications: Vec::new(),
            new_list: ListForm::List,
            requests_per_second: rate,
            stack: None,
            accepted_stack: None,
            suspended: false,
        }
    }

    #[test]
    fn another_version_is_a_change_even_where_it_came_while_nobody_looked() {
        let (changes, key) = (Changes::default(), CoreKey::new("acme", "main"));
        let at = |second| Timestamp::from_second(second).unwrap();
        changes.note_version(&key, None, "26.08", at(1));
        assert_eq!(changes.version_at(&key), None, "the first one is no change");
        changes.note_version(&key, Some("26.08"), "26.09", at(2));
        changes.note_version(&key, Some("26.09"), "26.09", at(3));
        assert_eq!(changes.version_at(&key), Some(at(2)));
        let restarted = Changes::default();
        restarted.note_version(&key, Some("26.08"), "26.09", at(4));
        assert_eq!(restarted.version_at(&key), Some(at(4)));
    }

    #[test]
    fn only_what_changes_the_way_to_the_core_counts_as_a_change() {
        let changes = Changes::default();
        let key = CoreKey::new("acme", "main");
        let at = |second| Timestamp::from_second(second).unwrap();
        changes.note(settings("a", 20), at(1));
        assert_eq!(changes.at(&key), None, "the first settings are not a change");
        changes.note(settings("a", 10), at(2));
        assert_eq!(changes.at(&key), None);
        changes.note(settings("b", 10), at(3));
        changes.note(settings("b", 10), at(4));
        assert_eq!(changes.at(&key), Some(at(3)));
    }
}
