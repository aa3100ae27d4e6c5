//! An example Wazo plugin: a small web server with a UI manifest, a page, icons and localisation, which
//! can be told to misbehave in the ways real plugins do.
//!
//! As a program it runs in a container ([`Options`] come from flags and environment); as a library it runs
//! inside a test over plain HTTP, where a crash ends the server and not the process:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use panel::{Misbehave, Options, Status};
//!
//! let panel = panel::start("127.0.0.1:0".parse()?, Options::default()).await?;
//! panel.misbehave(Misbehave { status: Some(Status { code: 503, ..Status::default() }), ..Misbehave::default() })?;
//! assert!(panel.requests().is_empty());
//! panel.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! | path | answer |
//! |---|---|
//! | `/manifest.json` | the manifest of the product chosen at start |
//! | `/manifest.app.json`, `/manifest.mobile.json` | the manifest of that product |
//! | `/`, `/index.html` | the page of the tab |
//! | `/icon-color.svg`, `/icon-outline.svg`, `/tab.svg`, `/background.js`, `/locales/{en,fr}.json` | what the manifest refers to |
//! | `/healthz` | 200 `ok` |
//! | `GET /requests` | what came: the newest [`REQUESTS_KEPT`] requests, tokens masked, health checks only counted |
//! | `GET /account` | what the core lets the plugin's own account do (`registrations.account`): a login and a read, each time anew |
//! | `GET /misbehave`, `PUT /misbehave` | the switches, see [`Misbehave`]; no switch but a crash reaches these two and `/requests` |
//!
//! Everything is served at the root and, with [`Options::base_path`], below that prefix too, since a
//! gateway passes the prefix on unrewritten.

mod account;
mod content;
mod drip;
mod journal;
mod manifest;
mod memory;
mod misbehave;
mod panel;
mod routes;
mod server;

pub use journal::{REQUESTS_KEPT, Seen};
pub use manifest::Product;
pub use misbehave::{Crash, Invalid, ManifestFault, Misbehave, Scope, Slow, Status};
pub use panel::{Options, Panel, StartError, start};
