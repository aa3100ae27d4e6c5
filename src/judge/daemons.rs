//! Which daemons of the core a plugin uses: by its registrations, and by the rights of its account. What is wrong with
//! another one is not its concern.

use std::collections::BTreeSet;

use crate::api::fault::{Fault, Layer};
use crate::api::parse::Plugin;
use crate::core::facts::{Daemon, ServiceState};
use crate::observe::world::{CoreView, World};

/// The daemons that a plugin uses.
#[must_use]
pub fn used(plugin: &Plugin) -> BTreeSet<Daemon> {
    let mut used = BTreeSet::from([Daemon::Auth]);
    if !plugin.ui.is_empty() {
        used.insert(Daemon::Confd);
    }
    let rights = plugin.account.iter().flat_map(|account| account.acl.texts());
    let given: Vec<String> = rights.filter(|right| !right.starts_with('!')).collect();
    used.extend(given.iter().filter_map(|right| Daemon::of_right(right)));
    used
}

/// Of them those that nobody but plugins uses: they are looked at for their sake.
#[must_use]
pub fn watched(plugin: &Plugin) -> BTreeSet<Daemon> {
    let used = used(plugin).into_iter();
    used.filter(|daemon| !daemon.is_main()).collect()
}

/// What is wrong with the daemons that a plugin uses and the operator does not need: it stands in the way of nothing
/// that the operator does.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Fault> {
    let Some(core) = world.core.as_ref().filter(|core| !core.suspended()) else {
        return Vec::new();
    };
    if super::grant::is_withheld(world) {
        return Vec::new();
    }
    let faults = used(plugin).into_iter();
    let faults = faults.filter_map(|daemon| core.entry.daemons.get(&daemon).cloned());
    faults
        .map(|mut fault| {
            fault.blocking = false;
            fault
        })
        .collect()
}

/// Whether the core's own fault is a plugin's concern: all but that of a daemon that it does not use.
#[must_use]
pub fn concerns(core: &CoreView, plugin: &Plugin, fault: &Fault) -> bool {
    let of_one = matches!(fault.layer, Layer::CoreAPI | Layer::CoreEvents);
    let Some(facts) = core.facts.as_ref().filter(|_| of_one) else {
        return true;
    };
    let mut ill = facts
        .main_services()
        .filter(|(_, service)| matches!(service.state, ServiceState::Down | ServiceState::Degraded))
        .peekable();
    let used = used(plugin);
    ill.peek().is_none() || ill.any(|(daemon, _)| used.contains(&daemon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fault::Party;
    use crate::api::reason::Reason;
    use crate::core::error::CoreErrorKind;
    use crate::judge::assess;
    use crate::observe::fixture::core_error;

    fn with_account(world: World, acl: &[&str]) -> World {
        let acl: Vec<String> = acl.iter().map(ToString::to_string).collect();
        world.spec(|spec| {
            let registrations = spec.registrations.as_mut().unwrap();
            registrations.account =
                serde_json::from_value(serde_json::json!({"acl": acl, "secretName": "crm"})).unwrap();
        })
    }

    fn calld_down(mut world: World) -> World {
        let core = world.core.as_mut().unwrap();
        let error = core_error(Daemon::Calld, CoreErrorKind::DaemonDown(502));
        let fault = crate::judge::core::from_error(&error, true).not_blocking().fault;
        let mut entry = core.entry.as_ref().clone();
        entry.daemons.insert(Daemon::Calld, fault);
        core.entry = std::sync::Arc::new(entry);
        world
    }

    fn daemons_of(world: &World) -> BTreeSet<Daemon> {
        used(world.itself.plugin.as_ref().unwrap())
    }

    #[test]
    fn a_plugin_uses_what_its_registrations_and_its_rights_name() {
        assert_eq!(
            daemons_of(&World::healthy()),
            [Daemon::Auth, Daemon::Confd].into()
        );
        let world = with_account(
            World::healthy(),
            &["calld.calls.read", "!dird.#", "call-logd.cdr.read"],
        );
        assert_eq!(
            daemons_of(&world),
            [Daemon::Auth, Daemon::Confd, Daemon::Calld, Daemon::CallLogd].into()
        );
        assert_eq!(
            watched(world.itself.plugin.as_ref().unwrap()),
            [Daemon::Calld, Daemon::CallLogd].into()
        );
    }

    #[test]
    fn a_daemon_that_is_down_is_told_to_those_that_use_it_and_to_nobody_else() {
        let found = judged(&calld_down(with_account(World::healthy(), &["calld.calls.read"])));
        let [fault] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (fault.party, fault.reason),
            (Party::Core, Reason::CoreServiceDown)
        );
        assert!(!fault.blocking);
        let told = assess(&calld_down(with_account(World::healthy(), &["calld.calls.read"])));
        let caused_by = told.faults.iter().find_map(|fault| fault.caused_by.as_ref());
        assert_eq!(caused_by.unwrap().kind.as_deref(), Some("WazoCore"));
        let other = calld_down(with_account(World::healthy(), &["dird.#"]));
        assert!(judged(&other).is_empty());
        assert!(assess(&calld_down(World::healthy())).faults.is_empty());
    }

    fn judged(world: &World) -> Vec<Fault> {
        judge(world, world.itself.plugin.as_ref().unwrap())
    }

    #[test]
    fn a_process_that_died_while_a_daemon_that_it_calls_was_down_is_not_blamed() {
        let crashing = |acl: &str| calld_down(with_account(World::healthy(), &[acl])).crashing(3);
        let party = |world: &World| {
            let faults = assess(world).faults;
            let crash = faults.iter().find(|fault| fault.reason == Reason::ProcessExited);
            crash.map(|crash| crash.party)
        };
        assert_eq!(party(&crashing("calld.calls.read")), Some(Party::Unknown));
        assert_eq!(party(&crashing("dird.#")), Some(Party::Partner));
    }

    #[test]
    fn confd_is_no_concern_of_a_plugin_that_only_has_an_account_elsewhere() {
        let world = World::healthy().confd_down();
        let core = world.core.as_ref().unwrap();
        let fault = core.fault().unwrap().clone();
        let with_ui = world.itself.plugin.clone().unwrap();
        assert!(concerns(core, &with_ui, &fault));
        let only = with_account(world.clone(), &["dird.#"]).spec(|spec| {
            spec.registrations.as_mut().unwrap().ui = None;
        });
        assert!(!concerns(core, &only.itself.plugin.unwrap(), &fault));
    }
}
