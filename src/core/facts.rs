//! What is known of a core: small facts, read by the judge and the plan, written by the core's actor alone.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

pub use super::daemon::Daemon;
use super::error::{CoreError, CoreErrorKind};
pub use super::interests::Interest;
pub use super::service::{Elsewhere, ServiceFact, ServiceState, SlowFact};

/// The operator's session with the core, as one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SessionFact {
    /// No login was tried yet.
    Pending,
    /// Logged in.
    LoggedIn(Account),
    /// The last login failed; the error says why.
    Failed(CoreError),
}

/// Who the core says that we are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The account's uuid (`auth_id`).
    pub uuid: Uuid,
    /// The account's own tenant.
    pub tenant: Uuid,
    /// The stack's uuid (`xivo_uuid`).
    pub stack: Uuid,
}

/// Another stack answers than the one that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackChange {
    /// The one that is known: what is registered stands there.
    pub was: Uuid,
    /// The one that answers.
    pub is: Uuid,
}

/// An external application: the shared object that holds manifest URLs. That of a tenant, or a user's own, which hides
/// the tenant's whole object from him.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AppKey {
    /// The tenant that the application, or the user, is of.
    pub tenant: Uuid,
    /// The user, where it is his own.
    pub user: Option<Uuid>,
    /// Its name, such as `wazo-euc-application-desktop`.
    pub name: String,
}

/// As a key of a JSON object: `tenant/name`, or `tenant/user/name`.
impl From<AppKey> for String {
    fn from(key: AppKey) -> Self {
        let user = key.user.map(|user| format!("{user}/")).unwrap_or_default();
        format!("{}/{user}{}", key.tenant, key.name)
    }
}

impl TryFrom<String> for AppKey {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, uuid::Error> {
        let (tenant, rest) = text.split_once('/').unwrap_or((&text, ""));
        let tenant = tenant.parse()?;
        let of_user = rest
            .split_once('/')
            .and_then(|(user, name)| Some((user.parse().ok()?, name)));
        Ok(match of_user {
            Some((user, name)) => Self::of_user(tenant, user, name),
            None => Self::of_tenant(tenant, rest),
        })
    }
}

impl AppKey {
    /// The application of a tenant.
    #[must_use]
    pub fn of_tenant(tenant: Uuid, name: impl Into<String>) -> Self {
        Self {
            tenant,
            user: None,
            name: name.into(),
        }
    }

    /// The application that a user of a tenant has for himself.
    #[must_use]
    pub fn of_user(tenant: Uuid, user: Uuid, name: impl Into<String>) -> Self {
        Self {
            user: Some(user),
            ..Self::of_tenant(tenant, name)
        }
    }
}

/// The tenants that the account sees.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum TenantsFact {
    /// Not asked, or not answered yet.
    #[default]
    Unknown,
    /// Each tenant with the one above it; the topmost is above itself.
    Known(BTreeMap<Uuid, Uuid>),
    /// They cannot be had; why. An account without `auth.tenants.read` sees its own alone.
    Failed(CoreError),
}

impl TenantsFact {
    /// Whether a tenant exists; `None`: not known.
    #[must_use]
    pub fn has(&self, tenant: Uuid) -> Option<bool> {
        match self {
            Self::Known(parents) => Some(parents.contains_key(&tenant)),
            Self::Unknown | Self::Failed(_) => None,
        }
    }

    /// A tenant and all below it; `None`: not known.
    #[must_use]
    pub fn below(&self, top: Uuid) -> Option<BTreeSet<Uuid>> {
        let Self::Known(parents) = self else {
            return None;
        };
        let is_below = |mut tenant: Uuid| {
            // As many steps as there are tenants: what is said in a circle has no top.
            for _ in 0..parents.len() {
                match parents.get(&tenant) {
                    _ if tenant == top => return true,
                    Some(parent) if *parent != tenant => tenant = *parent,
                    _ => return false,
                }
            }
            tenant == top
        };
        Some(
            parents
                .keys()
                .copied()
                .filter(|tenant| is_below(*tenant))
                .collect(),
        )
    }

    fn shows_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown) => true,
            (Self::Known(one), Self::Known(two)) => one == two,
            (Self::Failed(one), Self::Failed(two)) => one.is_like(two),
            _ => false,
        }
    }

    /// Takes a newer fact; whether a reader sees a difference. What is known is forgotten only where it may not be known.
    pub(super) fn renew(&mut self, newer: Self) -> bool {
        let passing = |error: &CoreError| !matches!(error.kind, CoreErrorKind::MissingPermission(_));
        if matches!((&self, &newer), (Self::Known(_), Self::Failed(error)) if passing(error)) {
            return false;
        }
        let same = self.shows_like(&newer);
        if !same {
            *self = newer;
        }
        !same
    }
}

/// A user of the core.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum UserFact {
    /// He is of this tenant.
    In(Uuid),
    /// There is no such user that the account sees.
    NotFound,
    /// He cannot be looked at; why.
    Failed(CoreError),
}

impl UserFact {
    pub(super) fn shows_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::In(one), Self::In(two)) => one == two,
            (Self::NotFound, Self::NotFound) => true,
            (Self::Failed(one), Self::Failed(two)) => one.is_like(two),
            _ => false,
        }
    }
}

/// What is known of an application's `manifest_urls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppFact {
    /// The URLs in it, in order; empty where the application or the key does not exist.
    pub urls: Vec<String>,
    /// When it was read.
    pub at: Timestamp,
}

/// What a plugin wants of one application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CoreStep {
    /// The application.
    pub app: AppKey,
    /// What is wanted.
    pub edit: AppEdit,
}

/// An edit of an application's `manifest_urls`, as data: idempotent, and merged with those of other plugins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AppEdit {
    /// The URL is in the list.
    Present(String),
    /// The URL is not in the list.
    Absent(String),
}

/// What became of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum StepState {
    /// Not carried out yet; waits for its turn.
    Pending,
    /// A read made after the step was wished for shows that it holds. `changed`: a write of ours made it so.
    Done {
        /// Whether a write of ours made it so.
        changed: bool,
    },
    /// It held, and a read shows that somebody else undid it: nothing is written until it is wished for anew.
    Drifted,
    /// The object has a form that cannot be edited safely, for example `manifest_urls` that is a number.
    Refused(String),
    /// The core did not do it; it will be tried again when the breaker lets it.
    Failed(CoreError),
}

/// A step with what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The step.
    pub step: CoreStep,
    /// What became of it.
    pub state: StepState,
    /// When the state was last changed.
    pub at: Timestamp,
}

/// All that is known of one core.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoreFacts {
    /// The session.
    pub session: SessionFact,
    /// The stack's version, such as `26.08`, from confd's `infos`.
    pub version: Option<String>,
    /// The tenant that the operator acts in: `spec.tenant`, else the account's own.
    pub tenant: Option<Uuid>,
    /// The daemons in use.
    pub services: BTreeMap<Daemon, ServiceFact>,
    /// Rights that the operator needs and the account lacks, in ACL notation; `None`: not asked yet.
    pub missing_permissions: Option<Vec<String>>,
    /// Rights that the accounts of plugins need and the operator's account lacks, in ACL notation.
    pub missing_for_accounts: Vec<String>,
    /// Rights that plugins need to see tenants and users and the operator's account lacks, in ACL notation.
    pub missing_for_places: Vec<String>,
    /// The account may not act in `spec.tenant` (`scopes/check` answered 403).
    pub tenant_refused: bool,
    /// Another stack answers than the one that is known: nothing is written to it.
    pub stack_changed: Option<StackChange>,
    /// The applications in use, as last read.
    pub apps: BTreeMap<AppKey, AppFact>,
    /// The addresses that the stack's name had at the last login; empty where its URL names an address.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether the applications of all tenants that are known were read by now, in this process.
    pub all_read: bool,
    /// The tenants; asked for only where a plugin needs them.
    pub tenants: TenantsFact,
    /// The users that plugins ask about.
    pub users: BTreeMap<Uuid, UserFact>,
    /// What else answers outside of the cluster.
    #[serde(default)]
    pub elsewhere: Elsewhere,
    /// Since when every request is refused for coming too fast, once that lasts: see [`THROTTLED_SECONDS`].
    #[serde(default)]
    pub throttled: Option<Timestamp>,
    /// When this core was last seen to work in whole: logged in, rights present, daemons up.
    pub last_good: Option<Timestamp>,
    /// Grows with every change that a reader sees: what was another for a moment, and looks as before now, has another.
    pub mark: u64,
}

/// How long nothing but refusals of too fast requests is seen before it is a fact, in seconds: single ones are how the
/// front keeps bursts away (`limit_req` of its nginx).
pub const THROTTLED_SECONDS: i64 = 10;

impl CoreFacts {
    /// Nothing is known yet.
    pub(super) fn unknown() -> Self {
        let unknown = ServiceFact::unknown;
        Self {
            session: SessionFact::Pending,
            version: None,
            tenant: None,
            services: BTreeMap::from([(Daemon::Auth, unknown()), (Daemon::Confd, unknown())]),
            missing_permissions: None,
            missing_for_accounts: Vec::new(),
            missing_for_places: Vec::new(),
            tenant_refused: false,
            stack_changed: None,
            apps: BTreeMap::new(),
            addresses: Vec::new(),
            all_read: false,
            tenants: TenantsFact::Unknown,
            users: BTreeMap::new(),
            elsewhere: Elsewhere::default(),
            throttled: None,
            last_good: None,
            mark: 0,
        }
    }

    /// The daemons that the operator itself needs.
    pub fn main_services(&self) -> impl Iterator<Item = (Daemon, &ServiceFact)> {
        let all = self.services.iter().map(|(daemon, service)| (*daemon, service));
        all.filter(|(daemon, _)| daemon.is_main())
    }

    /// Whether a reader sees no difference: moments, traces and the contents of applications aside (what becomes of a
    /// step is told to its plugin).
    #[must_use]
    pub fn shows_like(&self, other: &Self) -> bool {
        self.session.shows_like(&other.session)
            && self.version == other.version
            && self.tenant == other.tenant
            && self.services.len() == other.services.len()
            && self
                .services
                .iter()
                .zip(&other.services)
                .all(|((a, one), (b, two))| a == b && one.shows_like(two))
            && self.missing_permissions == other.missing_permissions
            && self.missing_for_accounts == other.missing_for_accounts
            && self.missing_for_places == other.missing_for_places
            && self.tenant_refused == other.tenant_refused
            && self.stack_changed == other.stack_changed
            && self.addresses == other.addresses
            && self.elsewhere == other.elsewhere
            && self.throttled == other.throttled
            && self.last_good.is_some() == other.last_good.is_some()
    }
}

impl SessionFact {
    fn shows_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pending, Self::Pending) => true,
            (Self::LoggedIn(one), Self::LoggedIn(two)) => one == two,
            (Self::Failed(one), Self::Failed(two)) => one.is_like(two),
            _ => false,
        }
    }
}
