//! The catalogue, one file per group.

mod account;
mod cluster;
mod config;
mod controls;
mod core;
mod helpers;
mod image;
mod pairs;
mod partner;
mod path;
mod route;

use crate::case::Case;

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(partner::cases());
    cases.extend(config::cases());
    cases.extend(image::cases());
    cases.extend(cluster::cases());
    cases.extend(route::cases());
    cases.extend(core::cases());
    cases.extend(account::cases());
    cases.extend(path::cases());
    cases.extend(pairs::cases());
    cases.extend(controls::cases());
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;
    use crate::case::{Kind, held_out};

    #[test]
    fn no_two_cases_share_a_name() {
        let names: Vec<&str> = all().iter().map(|case| case.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn every_fault_has_a_truth_and_no_control_has_one() {
        for case in all() {
            let wanted = match case.kind {
                Kind::Single => 1,
                Kind::Pair => 2,
                Kind::Control => 0,
            };
            assert_eq!(case.truth.len(), wanted, "{}", case.name);
        }
    }

    #[test]
    fn what_is_kept_apart_stays_so() {
        for (name, held) in [
            ("port-edited-wrong", true),
            ("crash-at-start", false),
            ("image-not-found", false),
        ] {
            assert_eq!(held_out(name), held, "{name}");
        }
    }
}
