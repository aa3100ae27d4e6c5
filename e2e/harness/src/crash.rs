//! The crash-point harness: the operator dies right before or right after each of its mutating requests, to the API
//! server or to the core; another one takes over, and must come to the same end as if nothing had happened. Or the
//! request, or its answer, is lost, and the same operator must come to that end.
//!
//! One file for each way that is walked; [`course`] is what all ways have in common.

mod account;
mod correction;
mod course;
mod creation;
mod deletion;
mod end;
mod grant;
mod host_change;
mod journal;
mod lost_status;
mod points;
mod stack;
mod suspension;
mod tenants;

pub use account::{
    core as core_with_accounts, every_point_of_a_rotation, every_point_of_an_accounts_creation,
    every_point_of_an_accounts_deletion, grant as grant_accounts, plugin as plugin_with_account,
    settled as account_settles,
};
pub use correction::every_point_of_correction;
pub use creation::every_point_of_creation;
pub use deletion::every_point_of_deletion;
pub use grant::every_point_of_a_withdrawn_grant;
pub use host_change::every_point_of_a_host_change;
pub use lost_status::every_point_after_a_lost_status;
pub use stack::every_point_of_another_stack;
pub use suspension::every_point_of_a_suspension;
pub use tenants::every_point_of_other_tenants;

/// The plugin of these runs.
const PLUGIN: &str = "crm";
