//! The operator dies right before and right after each of its mutating requests, and another one takes over.

use wazo_e2e::crash;

#[test]
fn a_creation_survives_a_death_at_every_request() {
    let points = crash::every_point_of_creation();
    assert!(points >= 10, "only {points} points");
}

#[test]
fn a_deletion_survives_a_death_at_every_request() {
    let points = crash::every_point_of_deletion();
    assert!(points >= 6, "only {points} points");
}
