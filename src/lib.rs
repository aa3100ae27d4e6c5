//! The WazoPlugin operator: runs a partner's Wazo plugin in the partner's cluster, registers it with the Wazo
//! core, keeps both true, and says in one field whether it works and, if not, whose fault that is.
//!
//! Facts flow one way: [`observe`] and [`probe`] and [`core`] gather them, [`judge`] says what is true and whose
//! fault it is, [`plan`] says what to do, [`apply`] does it, [`report`] tells the world. [`controller`] joins the
//! rooms. [`judge`] and [`plan`] take no client and no clock.

pub mod acl;
pub mod api;
mod api_error;
pub mod apply;
pub mod certificate;
pub mod controller;
pub mod core;
pub mod inquiry;
pub mod judge;
pub mod keys;
pub mod observe;
pub mod plan;
pub mod probe;
pub mod recording;
pub mod report;
pub mod secret;
