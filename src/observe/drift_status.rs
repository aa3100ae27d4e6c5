//! What is remembered of objects that somebody else changes, as `status.drift` keeps it: a restart of the operator does
//! not begin a fight anew.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::memory::{ChildKind, Drift, Fight, Recalled};
use super::world::World;
use crate::api::plugin::{DriftStatus, WazoPluginStatus};
use crate::core::facts::AppKey;

/// The kind of an application.
pub const APPLICATION: &str = "application";
/// What of an application is ours.
const FIELD: &str = "configuration.manifest_urls";
/// As many rows are kept: those of the objects that were changed last.
const MOST_ROWS: usize = 20;

/// What somebody else changed of an application of the core.
#[must_use]
pub fn of_application(app: &AppKey) -> Drift {
    Drift {
        kind: APPLICATION.into(),
        name: format!("{}/{}", app.tenant, app.name),
        fields: vec![FIELD.to_owned()],
        by: None,
        stopped: None,
    }
}

/// The rows of the status: what was changed while this generation is in force. Time alone changes nothing in them.
#[must_use]
pub fn rows(world: &World) -> Vec<DriftStatus> {
    let children = world
        .memory
        .iter()
        .map(|(kind, memory)| (row(kind.kind()), &memory.fight));
    let applications = world.fights.iter().map(|(app, fight)| {
        let row = DriftStatus {
            name: Some(app.name.clone()),
            tenant: Some(app.tenant.to_string()),
            left: fight.drift.as_ref().map(|_| true),
            ..row(APPLICATION)
        };
        (row, fight)
    });
    let generation = world.itself.generation;
    let mut rows: Vec<DriftStatus> = children
        .chain(applications)
        .map(|(row, fight)| filled(row, fight, generation))
        .filter(|row| row.left.is_some() || row.stopped_at.is_some() || !row.corrected_at.is_empty())
        .collect();
    if rows.len() > MOST_ROWS {
        rows.sort_by_key(|row| std::cmp::Reverse(row.corrected_at.last().map(|at| at.0)));
        rows.truncate(MOST_ROWS);
    }
    rows
}

fn row(kind: &str) -> DriftStatus {
    DriftStatus {
        kind: kind.to_owned(),
        name: None,
        tenant: None,
        corrected_at: Vec::new(),
        stopped_at: None,
        left: None,
    }
}

fn filled(row: DriftStatus, fight: &Fight, generation: i64) -> DriftStatus {
    let of_this = |(at, of): &(Timestamp, i64)| (*of == generation).then_some(MicroTime(*at));
    DriftStatus {
        corrected_at: fight.corrections.iter().filter_map(of_this).collect(),
        stopped_at: fight.stopped.as_ref().and_then(of_this),
        ..row
    }
}

/// What an earlier process remembered.
#[must_use]
pub fn recalled(status: &WazoPluginStatus) -> Recalled {
    let mut recalled = Recalled::default();
    for row in &status.drift {
        let generation = status.observed_generation;
        let fight = Fight {
            corrections: row.corrected_at.iter().map(|at| (at.0, generation)).collect(),
            stopped: row.stopped_at.as_ref().map(|at| (at.0, generation)),
            drift: None,
        };
        if let Some(kind) = ChildKind::ALL.into_iter().find(|kind| kind.kind() == row.kind) {
            recalled.children.insert(kind, fight);
        } else if let (Some(name), Some(tenant)) = (&row.name, tenant(row)) {
            let app = AppKey::of_tenant(tenant, name);
            let left = row.left == Some(true);
            let drift = left.then(|| Drift {
                stopped: row.stopped_at.as_ref().map(|at| at.0),
                ..of_application(&app)
            });
            recalled.applications.insert(app, Fight { drift, ..fight });
        }
    }
    recalled
}

fn tenant(row: &DriftStatus) -> Option<uuid::Uuid> {
    row.tenant.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::fixture::at;

    fn fight(corrections: &[i64], stopped: Option<i64>, generation: i64) -> Fight {
        Fight {
            corrections: corrections
                .iter()
                .map(|second| (at(*second), generation))
                .collect(),
            stopped: stopped.map(|second| (at(second), generation)),
            drift: None,
        }
    }

    fn world() -> World {
        let mut world = World::healthy();
        let generation = world.itself.generation;
        let memory = world.memory.get_mut(&ChildKind::Deployment).unwrap();
        memory.fight = fight(&[1, 2, 3], Some(4), generation);
        let own = world.core.as_ref().unwrap().tenant().unwrap();
        let (one, other) = (AppKey::of_tenant(own, "desktop"), AppKey::of_tenant(own, "web"));
        world.fights.insert(one, fight(&[5], None, generation));
        let drift = Some(of_application(&other));
        let left = Fight {
            drift,
            ..Fight::default()
        };
        world.fights.insert(other, left);
        world
    }

    #[test]
    fn what_is_kept_in_the_status_is_recalled_and_written_again_as_it_was() {
        let world = world();
        let rows = rows(&world);
        assert_eq!(rows.len(), 3, "{rows:#?}");
        let text = serde_json::to_string(&rows).unwrap();
        let status = WazoPluginStatus {
            observed_generation: world.itself.generation,
            drift: serde_json::from_str(&text).unwrap(),
            ..WazoPluginStatus::default()
        };
        let recalled = recalled(&status);
        let mut next = world.clone();
        next.fights = recalled.applications.clone();
        for (kind, memory) in &mut next.memory {
            memory.fight = recalled.children.get(kind).cloned().unwrap_or_default();
        }
        assert_eq!(next.fights, world.fights);
        assert_eq!(super::rows(&next), rows);
        // Another spec is a new try.
        next.itself.generation += 1;
        let kept = super::rows(&next);
        assert!(
            kept.iter()
                .all(|row| row.corrected_at.is_empty() && row.left == Some(true)),
            "{kept:?}"
        );
    }

    #[test]
    fn of_many_objects_those_that_were_changed_last_are_kept() {
        let mut world = world();
        let generation = world.itself.generation;
        for number in 0..100 {
            let app = AppKey::of_tenant(uuid::Uuid::from_u128(number), "desktop");
            let last = i64::try_from(number).unwrap() + 10;
            world.fights.insert(app, fight(&[last], None, generation));
        }
        let rows = rows(&world);
        assert_eq!(rows.len(), MOST_ROWS);
        assert!(rows.iter().all(|row| row.corrected_at[0].0 >= at(90)));
        assert!(serde_json::to_string(&rows).unwrap().len() < 4096);
    }
}
