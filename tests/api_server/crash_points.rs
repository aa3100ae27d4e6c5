//! The operator dies right before and right after each of its mutating requests, and another one takes over; or the
//! request, or its answer, is lost, and it must notice.

use wazo_e2e::crash;
use wazo_e2e::gate::Blow;

#[test]
fn a_creation_survives_a_death_at_every_request() {
    let points = crash::every_point_of_creation(Blow::Death);
    assert!(points >= 20, "only {points} points");
}

#[test]
fn a_deletion_survives_a_death_at_every_request() {
    let points = crash::every_point_of_deletion(Blow::Death);
    assert!(points >= 8, "only {points} points");
}

#[test]
fn a_correction_of_drift_survives_a_death_at_every_request() {
    let points = crash::every_point_of_correction(Blow::Death);
    assert!(points >= 2, "only {points} points");
}

#[test]
fn a_correction_of_drift_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_correction(Blow::Loss);
    assert!(points >= 2, "only {points} points");
}

#[test]
fn a_creation_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_creation(Blow::Loss);
    assert!(points >= 20, "only {points} points");
}

#[test]
fn a_deletion_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_deletion(Blow::Loss);
    assert!(points >= 8, "only {points} points");
}

#[test]
fn an_accounts_creation_survives_a_death_at_every_request() {
    let points = crash::every_point_of_an_accounts_creation(Blow::Death);
    assert!(points >= 30, "only {points} points");
}

#[test]
fn an_accounts_creation_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_an_accounts_creation(Blow::Loss);
    assert!(points >= 30, "only {points} points");
}

#[test]
fn a_rotation_survives_a_death_at_every_request() {
    let points = crash::every_point_of_a_rotation(Blow::Death);
    assert!(points >= 16, "only {points} points");
}

#[test]
fn a_rotation_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_a_rotation(Blow::Loss);
    assert!(points >= 16, "only {points} points");
}

#[test]
fn an_accounts_deletion_survives_a_death_at_every_request() {
    let points = crash::every_point_of_an_accounts_deletion(Blow::Death);
    assert!(points >= 10, "only {points} points");
}

#[test]
fn an_accounts_deletion_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_an_accounts_deletion(Blow::Loss);
    assert!(points >= 10, "only {points} points");
}

#[test]
fn other_tenants_survive_a_death_at_every_request() {
    let points = crash::every_point_of_other_tenants(Blow::Death);
    assert!(points >= 12, "only {points} points");
}

#[test]
fn other_tenants_survive_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_other_tenants(Blow::Loss);
    assert!(points >= 12, "only {points} points");
}

#[test]
fn a_suspension_with_a_change_survives_a_death_at_every_request() {
    let points = crash::every_point_of_a_suspension(Blow::Death);
    assert!(points >= 6, "only {points} points");
}

#[test]
fn a_lost_status_survives_a_death_at_every_request() {
    let points = crash::every_point_after_a_lost_status(Blow::Death);
    assert!(points >= 4, "only {points} points");
}

#[test]
fn a_suspension_with_a_change_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_a_suspension(Blow::Loss);
    assert!(points >= 6, "only {points} points");
}

#[test]
fn a_lost_status_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_after_a_lost_status(Blow::Loss);
    assert!(points >= 4, "only {points} points");
}

#[test]
fn another_stack_behind_the_url_survives_a_death_at_every_request() {
    let points = crash::every_point_of_another_stack(Blow::Death);
    assert!(points >= 4, "only {points} points");
}

#[test]
fn another_stack_behind_the_url_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_another_stack(Blow::Loss);
    assert!(points >= 4, "only {points} points");
}

#[test]
fn a_withdrawn_grant_survives_a_death_at_every_request() {
    let points = crash::every_point_of_a_withdrawn_grant(Blow::Death);
    assert!(points >= 8, "only {points} points");
}

#[test]
fn a_withdrawn_grant_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_a_withdrawn_grant(Blow::Loss);
    assert!(points >= 8, "only {points} points");
}
