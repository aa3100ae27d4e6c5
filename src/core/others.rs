//! The daemons that only plugins use: each is looked at by a cheap read, as long as the account of some plugin may use
//! it.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::actor::rest;
use super::classify::Answer;
use super::error::CoreErrorKind;
use super::facts::{Daemon, ServiceFact, SessionFact};
use super::health::{failing_parts, look_failed};
use super::jitter::vary;
use super::link::{Aim, Link, Reply};
use super::request::{Ask, Credential, Route};
use super::shape;

/// Looks at each of them in its time, for ever.
pub(super) async fn watch(link: &Link) {
    let mut due: BTreeMap<Daemon, Instant> = BTreeMap::new();
    loop {
        let Some(aim) = link.state().aim.clone() else {
            return;
        };
        let wanted = wanted(link);
        due.retain(|daemon, _| wanted.contains(daemon));
        let pending = matches!(link.state().facts.session, SessionFact::Pending);
        if wanted.is_empty() || pending {
            // The first login tells them to begin.
            rest(&link.others_wake, None).await;
            continue;
        }
        let now = Instant::now();
        let mut next: Option<(Instant, Daemon, bool)> = None;
        for daemon in wanted {
            let open = aim.stack.breaker(daemon).open().map(|(_, until)| until);
            let at = open.unwrap_or_else(|| *due.entry(daemon).or_insert(now));
            if next.is_none_or(|(soonest, ..)| at < soonest) {
                next = Some((at, daemon, open.is_some()));
            }
        }
        match next {
            Some((at, daemon, open)) if at <= now => {
                if open && !aim.stack.breaker(daemon).take_probe(now) {
                    continue;
                }
                due.insert(
                    daemon,
                    now + vary(link.intervals().health, link.intervals().jitter),
                );
                look(link, &aim, daemon).await;
            }
            Some((at, ..)) => rest(&link.others_wake, Some(at)).await,
            None => rest(&link.others_wake, None).await,
        }
    }
}

/// Those that somebody wants; what is known of others is forgotten.
fn wanted(link: &Link) -> Vec<Daemon> {
    let wanted = link.state().wishes.interests.daemons();
    link.change_facts(|facts| {
        facts
            .services
            .retain(|daemon, _| daemon.is_main() || wanted.contains(daemon));
        for daemon in &wanted {
            facts.services.entry(*daemon).or_insert_with(ServiceFact::unknown);
        }
    });
    wanted.into_iter().collect()
}

/// Its status is read with the operator's own token. Where the right is missing the daemon says so itself, after it asked
/// wazo-auth: it is up all the same.
async fn look(link: &Link, aim: &Aim, daemon: Daemon) {
    let token = link.state().session.token();
    let credential = token.map_or(Credential::None, |token| Credential::Token(token.secret));
    let route = Route::OwnStatus(daemon);
    match link.send(aim, &Ask::of(route), &credential).await {
        Ok(Reply {
            answer: Answer::Good(body),
            ..
        }) => {
            let failing = shape::json(&body)
                .map(|body| failing_parts(&body))
                .unwrap_or_default();
            link.daemon_answered(aim, daemon, failing);
        }
        Ok(_) => link.daemon_answered(aim, daemon, Vec::new()),
        Err(error) if matches!(error.kind, CoreErrorKind::Rejected(_)) => {
            // It speaks, and has no status to tell.
            link.daemon_answered(aim, daemon, Vec::new());
        }
        Err(error) => look_failed(link, aim, &error),
    }
}
