//! What the controller tells the actor of a core.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::stack_url::StackUrl;
use crate::keys::CoreKey;
use crate::secret::Secret;

/// How one `WazoCore` is to be used, with every reference already read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreSettings {
    /// The `WazoCore`.
    pub key: CoreKey,
    /// The stack.
    pub url: StackUrl,
    /// The certificate authority of the stack, one or more PEM certificates; without: the usual roots.
    pub ca_pem: Option<Arc<[u8]>>,
    /// The account's username.
    pub username: String,
    /// The account's password.
    pub password: Secret,
    /// The tenant to act in (`spec.tenant`); without: the account's own.
    pub tenant: Option<Uuid>,
    /// The names of the external applications in use, of all products: their rights are asked before they are needed.
    pub applications: Vec<String>,
    /// The form of `manifest_urls` where the key does not exist yet; an existing form is kept.
    pub new_list: ListForm,
    /// The most requests that are sent to the stack in a second; 0 counts as 1. Two `WazoCore`s of one stack share
    /// one limit, the one that was told last.
    pub requests_per_second: u32,
    /// The uuid of the stack that is known to be behind the URL; without: the first one that answers.
    pub stack: Option<Uuid>,
    /// The uuid of another stack that is taken, too, where it answers.
    pub accepted_stack: Option<Uuid>,
    /// Nothing is sent, and the facts stay as they are.
    pub suspended: bool,
}

/// The form of a new `manifest_urls`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListForm {
    /// A JSON array of text.
    #[default]
    List,
    /// One text, URLs separated by commas.
    Text,
}

/// The times of the actor. Each is jittered by `jitter`.
#[derive(Clone, Debug)]
pub struct Intervals {
    /// Between two looks at the health of a daemon.
    pub health: Duration,
    /// Between two readings of all applications.
    pub snapshot: Duration,
    /// Between the first two logins with the credentials of a plugin's account; it doubles as long as they are good.
    pub account_check: Duration,
    /// The longest pause between two such logins.
    pub longest_account_check: Duration,
    /// Between two checks of the account's rights while all are there.
    pub rights: Duration,
    /// Between two checks of the account's rights, with a new token each, while one is missing.
    pub missing_rights: Duration,
    /// After rejected credentials.
    pub credentials_backoff: Duration,
    /// After a login that failed for a reason of the account's sessions or of a refused fresh token.
    pub sessions_backoff: Duration,
    /// The first pause of a failing thing: an open breaker, a failed login, a failed application.
    pub first_backoff: Duration,
    /// The longest pause of a breaker and of a failing login.
    pub longest_backoff: Duration,
    /// The longest pause of a failing application.
    pub longest_step_backoff: Duration,
    /// After a write whose effect was in doubt: when to look once more, for an effect that came late.
    pub look_again: Duration,
    /// The life asked for a token.
    pub token_life: Duration,
    /// The life asked for a token while logins answer with server errors: with its broker down wazo-auth answers 500
    /// and makes the token all the same, and an account may have 100.
    pub short_token_life: Duration,
    /// The part by which a pause is varied, to both sides: 0.1 is ±10 %.
    pub jitter: f64,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            health: Duration::from_secs(30),
            snapshot: Duration::from_secs(300),
            account_check: Duration::from_secs(300),
            longest_account_check: Duration::from_secs(1800),
            rights: Duration::from_secs(300),
            missing_rights: Duration::from_secs(60),
            credentials_backoff: Duration::from_secs(300),
            sessions_backoff: Duration::from_secs(60),
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(30),
            longest_step_backoff: Duration::from_secs(60),
            look_again: Duration::from_secs(30),
            token_life: Duration::from_secs(7200),
            short_token_life: Duration::from_secs(600),
            jitter: 0.15,
        }
    }
}
