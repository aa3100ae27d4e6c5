//! Events, on transitions only. Pure: from two statuses and what was applied to what is told.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Confidence, Fault, Layer, Party};
use crate::api::names::LEDGER_ANNOTATION;
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::apply::Applied;
use crate::judge::account_change::Change;
use crate::judge::drift;
use crate::observe::memory::Drift;
use crate::report::impairment::is_same;
use crate::report::told::with_next_step;

/// An event to be published about the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it is a warning.
    pub warning: bool,
    /// A stable CamelCase word.
    pub reason: &'static str,
    /// What the operator did or saw.
    pub action: &'static str,
    /// For a person.
    pub text: String,
    /// With an event about a fault: whose it is, and how sure that is.
    pub attribution: Option<(Party, Confidence)>,
}

/// What was done to the children of a plugin. It is told at once: it is known in this pass alone.
#[must_use]
pub fn applied(applied: &Applied) -> Vec<Note> {
    let mut notes = Vec::new();
    if !applied.created.is_empty() || !applied.changed.is_empty() {
        let all = applied.created.iter().chain(&applied.changed);
        let kinds: Vec<_> = all.map(|kind| kind.kind()).collect();
        notes.push(normal(
            "Applied",
            "Apply",
            format!("applied {}", kinds.join(", ")),
        ));
    }
    notes.extend(applied.corrected.iter().map(corrected));
    if applied.published {
        let text = "published new credentials of the account to the pods".to_owned();
        notes.push(normal("CredentialsPublished", "Rotate", text));
    }
    notes
}

/// What changed hands between two statuses of a plugin.
#[must_use]
pub fn transitions(before: &WazoPluginStatus, after: &WazoPluginStatus) -> Vec<Note> {
    let mut notes: Vec<Note> = drifted(before, after)
        .into_iter()
        .chain(expiring(before, after))
        .collect();
    for row in &after.registrations {
        let was = before
            .registrations
            .iter()
            .find(|old| old.name == row.name && old.url == row.url);
        if row.state == RegistrationState::Registered
            && was.is_none_or(|old| old.state != RegistrationState::Registered)
        {
            let change = was.and_then(|old| Change::of_word(old.reason.as_deref()?));
            if let Some(change) = change {
                let text = format!(
                    "the account was changed in the core: {}; it was put right",
                    change.told()
                );
                notes.push(normal("DriftCorrected", "Account", text));
                continue;
            }
            let url = row
                .url
                .as_ref()
                .map(|url| format!(" ({url})"))
                .unwrap_or_default();
            notes.push(normal(
                "Registered",
                "Register",
                format!("registered \"{}\"{url} with the core", row.name),
            ));
        }
    }
    notes.extend(
        after
            .registrations
            .iter()
            .filter_map(|row| taken_out(before, row)),
    );
    let known = (before.fault.as_ref(), &before.conditions[..]);
    notes.extend(faults(known, (after.fault.as_ref(), &after.conditions)));
    let ready = |status: &WazoPluginStatus| {
        find(&status.conditions, ConditionType::Ready).is_some_and(|condition| condition.status == "True")
    };
    if !ready(before) && ready(after) {
        notes.push(normal(
            "Ready",
            "Judge",
            "the plugin runs, is reachable and is registered".to_owned(),
        ));
    }
    notes
}

/// What is told when an entry that the core does not grant any more was taken out.
fn taken_out(before: &WazoPluginStatus, row: &RegistrationStatus) -> Option<Note> {
    use RegistrationState::{Deregistering, Refused, Registered, Registering};
    let was = before.registrations.iter().find(|old| old.name == row.name)?;
    let not_granted = [Reason::NotGranted, Reason::CoreNotGranted]
        .iter()
        .any(|reason| row.reason.as_deref() == Some(reason.as_str()));
    let stood = matches!(was.state, Registered | Registering | Deregistering);
    (not_granted && stood && row.state == Refused).then(|| {
        let url = was
            .url
            .as_ref()
            .map(|url| format!(" ({url})"))
            .unwrap_or_default();
        let text = format!(
            "took \"{}\"{url} out of the core, which does not grant it any more",
            row.name
        );
        normal("Deregistered", "Deregister", text)
    })
}

/// What was put back: the fields, never their values.
fn corrected(drift: &Drift) -> Note {
    // The recorder folds events of one action into a series under the text of the first.
    normal("DriftCorrected", "Correct", format!("{drift}; it was put back"))
}

/// What somebody changed and is left so, once.
fn drifted(before: &WazoPluginStatus, after: &WazoPluginStatus) -> Option<Note> {
    let condition = |status: &WazoPluginStatus| find(&status.conditions, ConditionType::Drifted).cloned();
    let new = condition(after)?;
    let told = condition(before).is_some_and(|old| old.reason == new.reason && old.message == new.message);
    let reason = if new.reason == drift::STOPPED {
        drift::STOPPED
    } else {
        drift::REPORTED
    };
    (!told).then(|| warning(reason, "Compare", new.message))
}

/// That a certificate ends soon, once for each end; and that it does no more.
fn expiring(before: &WazoPluginStatus, after: &WazoPluginStatus) -> Option<Note> {
    let told = |status: &WazoPluginStatus| {
        find(&status.conditions, ConditionType::CertificateExpiring)
            .map(|condition| condition.message.clone())
    };
    let failed = after.fault.iter().chain(&after.other_faults);
    match (told(before), told(after)) {
        (old, Some(new)) if old.as_ref() != Some(&new) => {
            Some(warning("CertificateExpiresSoon", "Renew", new))
        }
        (Some(_), None) if !failed.into_iter().any(|fault| fault.layer == Layer::Certificate) => {
            Some(normal(
                "CertificateRenewed",
                "Renew",
                "no certificate that is known of the plugin ends soon any more".to_owned(),
            ))
        }
        _ => None,
    }
}

/// A status: its first fault, and its conditions.
type Stands<'a> = (Option<&'a Fault>, &'a [Condition]);

/// What is told when a fault comes, goes or turns out to be another. One that is not told of any more since nobody looks is
/// not over.
#[must_use]
pub fn faults(before: Stands<'_>, after: Stands<'_>) -> Vec<Note> {
    let unchanged = is_same(before.0, after.0);
    match (before.0, after.0) {
        (_, Some(fault)) if !unchanged => {
            // The recorder folds events of one action into a series under the text of the first.
            vec![Note {
                warning: true,
                reason: "FaultAttributed",
                action: fault.reason.as_str(),
                text: format!("{:?}: {}: {}", fault.party, fault.reason, with_next_step(fault)),
                attribution: Some((fault.party, fault.confidence)),
            }]
        }
        (Some(old), None) if !looks_away(before.1, after.1) => vec![Note {
            attribution: Some((old.party, old.confidence)),
            ..normal(
                "FaultCleared",
                old.reason.as_str(),
                format!("{:?}: {} is over", old.party, old.reason),
            )
        }],
        _ => Vec::new(),
    }
}

/// Whether judging paused between two statuses: by a suspension, or since a deletion began.
fn looks_away(before: &[Condition], after: &[Condition]) -> bool {
    let suspended = find(after, ConditionType::Suspended).is_some_and(|condition| condition.status == "True");
    let leaves = |conditions| {
        find(conditions, ConditionType::Ready).is_some_and(|condition| {
            matches!(condition.reason.as_str(), "Deleting" | "DeregistrationBlocked")
        })
    };
    suspended || leaves(after) && !leaves(before)
}

/// The last event of a plugin whose registrations are to stay.
#[must_use]
pub fn retained(status: &WazoPluginStatus) -> Note {
    let text = format!(
        "spec.deletionPolicy is Retain; what stays in the core: {}",
        places(status)
    );
    normal("RegistrationsRetained", "Deregister", text)
}

/// What may stand in the core: URLs, and the account.
fn places(status: &WazoPluginStatus) -> String {
    let place = |row: &RegistrationStatus| match row.kind {
        RegistrationKind::Account => {
            (!matches!(row.state, RegistrationState::Held | RegistrationState::Pending))
                .then(|| "the users and the policy of the account".to_owned())
        }
        RegistrationKind::UiApplication => row.url.clone(),
    };
    let places: Vec<String> = status.registrations.iter().filter_map(place).collect();
    places.join(", ")
}

/// What is told once when a deletion begins in which Kubernetes takes the children first.
#[must_use]
pub fn children_first(before: &WazoPluginStatus, finalizers: &[String]) -> Option<Note> {
    let foreground = finalizers.iter().any(|name| name == "foregroundDeletion");
    let begun = find(&before.conditions, ConditionType::Ready)
        .is_some_and(|condition| matches!(condition.reason.as_str(), "Deleting" | "DeregistrationBlocked"));
    (foreground && !begun).then(|| {
        let text = "a foreground deletion takes the children before the plugin is deregistered: users see it fail \
                    meanwhile";
        normal("ChildrenDeletedFirst", "Delete", text.to_owned())
    })
}

/// The last event of a plugin.
#[must_use]
pub fn deregistered(status: &WazoPluginStatus, abandoned: bool) -> Note {
    if abandoned {
        let text = format!(
            "let go although the core was not asked; may be left behind there: {}",
            places(status)
        );
        return warning("RegistrationsAbandoned", "Deregister", text);
    }
    normal(
        "Deregistered",
        "Deregister",
        "nothing of the plugin is left in the core".to_owned(),
    )
}

/// What is told where a ledger is not the operator's word, and does not count in whole.
#[must_use]
pub fn ledger_not_trusted(dropped: usize) -> Note {
    let text = format!(
        "the annotation {LEDGER_ANNOTATION} bears no valid mark: somebody changed it, it is of an earlier version, or \
             the key of the WazoCore is lost; {dropped} of its URLs are in no status and are not counted: where they \
             stand in the core, they stay"
    );
    warning("LedgerNotTrusted", "Compare", text)
}

/// What is told of a WazoCore whose key is lost.
#[must_use]
pub fn ledger_key_lost(secret: &str) -> Note {
    let text = format!(
        "Secret \"{secret}\" is gone: another key was made, and the ledgers of the plugins are marked anew from what \
             their status attests"
    );
    warning("LedgerKeyLost", "Compare", text)
}

const fn normal(reason: &'static str, action: &'static str, text: String) -> Note {
    Note {
        warning: false,
        reason,
        action,
        text,
        attribution: None,
    }
}

fn warning(reason: &'static str, action: &'static str, text: String) -> Note {
    Note {
        warning: true,
        ..normal(reason, action, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::candidate::Candidate;
    use jiff::Timestamp;

    fn with(reason: Option<Reason>) -> WazoPluginStatus {
        let fault = reason.map(|reason| Candidate::new(reason, Timestamp::UNIX_EPOCH, "it fails").fault);
        WazoPluginStatus {
            fault,
            ..WazoPluginStatus::default()
        }
    }

    fn told(before: Option<Reason>, after: Option<Reason>) -> Vec<&'static str> {
        let notes = transitions(&with(before), &with(after));
        notes.into_iter().map(|note| note.reason).collect()
    }

    #[test]
    fn a_fault_is_told_when_it_comes_changes_or_goes_and_not_while_it_lasts() {
        let (crash, image) = (Some(Reason::ProcessExited), Some(Reason::ImageNotFound));
        assert_eq!(told(None, crash), ["FaultAttributed"]);
        assert_eq!(told(crash, crash), [""; 0]);
        assert_eq!(told(crash, image), ["FaultAttributed"]);
        assert_eq!(told(image, None), ["FaultCleared"]);
    }
}
