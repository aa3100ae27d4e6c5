//! What another plugin has in the core, too: it stays there when one of them goes. Pure.
//!
//! Only what was read there with its own core's session counts. Before this process has read it, what our own status says
//! of it counts, in the tenants of that session. Its word alone would let anybody keep any URL in any core.

use uuid::Uuid;

use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};
use crate::api::ui_manifest::Product;
use crate::core::facts::{AppEdit, AppKey, CoreStep, SessionFact, StepOutcome, StepState};
use crate::judge::places::{self, Scope};
use crate::observe::allowance::Allowance;
use crate::observe::claims::Claims;
use crate::observe::hosts::Lost;
use crate::observe::world::CoreView;

/// Another plugin, whose core is the same, or leads to the same server with a session of its own.
pub struct Claimant<'a> {
    /// Its core.
    pub core: &'a CoreView,
    /// Whether that is the core of the one that leaves.
    pub same_core: bool,
    /// What its core allows it now.
    pub allowance: &'a Allowance,
    /// Its spec; `None`: not usable.
    pub plugin: Option<Plugin>,
    /// What became of its wishes.
    pub outcomes: Vec<StepOutcome>,
    /// What our status says of it.
    pub rows: &'a [RegistrationStatus],
    /// Places of its own that others had first.
    pub lost: Vec<Lost>,
}

impl Claimant<'_> {
    /// Adds what it has there.
    pub fn claim(&self, claims: &mut Claims) {
        if !self.same_core && !self.is_logged_in() {
            return self.wait_for_login(claims);
        }
        let Some(plugin) = &self.plugin else {
            return self.claim_as_it_stands(claims);
        };
        let lost = |entry: &&UiEntry| self.lost.iter().any(|lost| lost.covers(&entry.manifest_url));
        for entry in plugin.ui.iter().filter(|entry| !lost(entry)) {
            self.claim_entry(claims, plugin, entry);
        }
    }

    /// Its core has credentials, and the first login of this process is on its way: it succeeds or fails within moments.
    fn wait_for_login(&self, claims: &mut Claims) {
        let facts = self.core.facts.as_ref();
        let on_its_way = facts.is_some_and(|facts| matches!(facts.session, SessionFact::Pending));
        if on_its_way && !self.core.suspended() && self.allowance.allows(RegistrationKind::UiApplication) {
            attested(self.rows).for_each(|url| claims.wait_anywhere(url));
        }
    }

    fn claim_entry(&self, claims: &mut Claims, plugin: &Plugin, entry: &UiEntry) {
        let url = entry.manifest_url.as_str();
        let recalled = self.outcomes.is_empty() && self.attests(url);
        // What it will be wished for in a moment is not known yet: it is looked at within moments.
        let soon = !plugin.spec.suspended() && self.works();
        let scope = places::scope(self.core, Some(self.allowance), plugin, entry);
        let Some(Scope::Known(places)) = scope else {
            if recalled && soon && self.same_core {
                claims.wait_anywhere(url);
            }
            return;
        };
        if recalled && soon && self.same_core && places.pending > 0 {
            claims.wait_anywhere(url);
        }
        for app in &places.apps {
            let proven = self.is_proven(app.tenant);
            match self.state(url, app) {
                Some(StepState::Done { .. }) => claims.claim(url, app.clone()),
                // At one core no wish to take out is carried out against this one.
                Some(StepState::Pending) if proven && soon && !self.same_core => {
                    claims.wait(url, app.clone())
                }
                None if proven && recalled => claims.claim(url, app.clone()),
                Some(_) | None => {}
            }
        }
    }

    /// One whose spec is not usable has what it had: nothing is changed on the word of such a spec.
    fn claim_as_it_stands(&self, claims: &mut Claims) {
        let Some(own) = self.core.tenant() else {
            return;
        };
        for outcome in &self.outcomes {
            let (app, granted) = (&outcome.step.app, self.is_granted(outcome.step.app.tenant, own));
            match (&outcome.step.edit, &outcome.state) {
                (AppEdit::Present(url), StepState::Done { .. }) if granted => claims.claim(url, app.clone()),
                _ => {}
            }
        }
        if self.outcomes.is_empty() && self.is_proven(own) && self.is_granted(own, own) {
            for url in attested(self.rows) {
                let names = [Product::App, Product::Mobile].map(|product| self.core.applications(product));
                for name in names.into_iter().flatten() {
                    claims.claim(url, AppKey::of_tenant(own, name));
                }
            }
        }
    }

    fn is_granted(&self, tenant: Uuid, own: Uuid) -> bool {
        places::is_granted(self.core, self.allowance, own, tenant)
    }

    fn attests(&self, url: &str) -> bool {
        attested(self.rows).any(|attested| attested == url)
    }

    fn state(&self, url: &str, app: &AppKey) -> Option<&StepState> {
        let step = CoreStep {
            app: app.clone(),
            edit: AppEdit::Present(url.to_owned()),
        };
        let outcome = self.outcomes.iter().find(|outcome| outcome.step == step);
        outcome.map(|outcome| &outcome.state)
    }

    fn works(&self) -> bool {
        !self.core.suspended() && self.is_logged_in()
    }

    fn is_logged_in(&self) -> bool {
        let facts = self.core.facts.as_ref();
        facts.is_some_and(|facts| matches!(facts.session, SessionFact::LoggedIn(_)))
    }

    /// Whether the core's session was seen to reach a tenant. What its WazoCore or WazoPlugin names is nobody's proof.
    fn is_proven(&self, tenant: Uuid) -> bool {
        let Some(facts) = &self.core.facts else {
            return false;
        };
        let SessionFact::LoggedIn(account) = &facts.session else {
            return self.same_core;
        };
        let may_act = facts.missing_permissions.is_some() && !facts.tenant_refused;
        self.same_core
            || tenant == account.tenant
            || facts.tenant == Some(tenant) && may_act
            || facts.tenants.has(tenant) == Some(true)
    }
}

/// The URLs that our status says to stand in the core.
pub fn attested(rows: &[RegistrationStatus]) -> impl Iterator<Item = &str> {
    let stands = |row: &&RegistrationStatus| {
        use RegistrationState::{Registered, Registering};
        matches!(row.state, Registered | Registering)
    };
    rows.iter().filter(stands).filter_map(|row| row.url.as_deref())
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
