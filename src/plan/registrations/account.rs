//! The account of a plugin: users in two slots and a policy in wazo-auth, and the Secret that its pods mount.
//!
//! From what is seen to the one next thing, whatever the state: an operator that dies anywhere is followed by one that
//! goes on. New credentials come like this: the password is stored, its user made in the free slot, linked to the
//! policy and proved by a login, published in the Secret that the pods mount; when the pods are rolled, the old user is
//! kept out, which ends his tokens, and then deleted. So there are working credentials at every moment.

mod known;
mod steps;
#[cfg(test)]
mod tests;
mod withdrawal;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::api::account::Account;
use crate::api::parse::Plugin;
use crate::api::plugin::DeletionPolicy;
use crate::core::account::{AccountFact, AccountSeen, AccountWish, Act, Slot, Subject};
use crate::judge::account::refusal;
use crate::judge::account_change;
use crate::judge::acl_grant;
use crate::judge::grant::Standing;
use crate::keys::CoreKey;
use crate::observe::account_secret::{self, AccountSecret, Role, connection_hash, rights_hash};
use crate::observe::world::World;
use known::tenants;
use steps::Step;
pub use withdrawal::withdrawal;

/// Behind the name of the Secret that is mounted: the one that is not.
const NEXT: &str = "-next";
/// As many Secrets go in one pass: a pass of one plugin is not to hold up those of others.
const AT_ONCE: usize = 50;

/// What is to be done about the account of a plugin.
#[derive(Clone, Debug, Default)]
pub struct AccountPlan {
    /// What is wished for at the core, the password aside; `None`: nothing changes there.
    pub wish: Option<(CoreKey, AccountWish)>,
    /// What is to be done with a Secret.
    pub secret: Option<SecretStep>,
    /// The tenants in which something of it may stand: the ledger.
    pub tenants: BTreeSet<Uuid>,
    /// Whether nothing is left to do.
    pub settled: bool,
    /// Whether the spec asks for other credentials than those in use: for other rights, say. What only time asks for
    /// is not meant.
    pub differs: bool,
    /// Whether nothing is to be done at the core any more, not even to look.
    pub forget: bool,
    /// When time alone asks for another look.
    pub due: Option<Timestamp>,
}

/// One thing to do with a Secret of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretStep {
    /// A new password is stored, in a Secret that no pod mounts.
    Store {
        /// Its name.
        name: String,
        /// The slot of its user.
        slot: Slot,
        /// The user's name.
        username: String,
    },
    /// What is stored is published to the pods.
    Publish {
        /// The name of the Secret that the pods mount.
        name: String,
        /// The name of that with the stored password.
        from: String,
        /// What it leads to.
        connection: Connection,
        /// The hash of the rights.
        rights: String,
        /// The answered value of the annotation by which users ask for new credentials.
        rotate: Option<String>,
    },
    /// The Secret leads elsewhere, with the same credentials.
    Reconnect {
        /// Its name.
        name: String,
        /// What it leads to.
        connection: Connection,
    },
    /// Secrets go.
    Remove {
        /// Their uids by their names, at most [`AT_ONCE`].
        secrets: BTreeMap<String, String>,
    },
}

/// What leads to the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The stack's URL.
    pub url: String,
    /// The tenant of the account.
    pub tenant: Uuid,
    /// The certificate authority, PEM; empty where it is a public one.
    pub ca: String,
}

impl Connection {
    /// Its hash, as a Secret shows it.
    #[must_use]
    pub fn hash(&self) -> String {
        connection_hash(&self.url, &self.tenant.to_string(), &self.ca)
    }
}

/// What the account is to be.
#[derive(Clone, Debug)]
struct Wanted {
    connection: Connection,
    acl: Vec<String>,
    secret: String,
    every: Option<Duration>,
    rotate: Option<String>,
}

/// All that decides about the next thing to do.
struct Situation<'a> {
    wanted: Option<Wanted>,
    subject: Subject,
    secrets: Vec<(&'a String, &'a AccountSecret)>,
    fact: Option<&'a AccountFact>,
    /// Whether the pods that run mount the Secret as it is, and no others run.
    rolled: bool,
    /// What somebody else changed is left so.
    hands_off: bool,
    now: Timestamp,
}

impl<'a> Situation<'a> {
    fn seen(&self) -> Option<&'a AccountSeen> {
        self.fact?.seen.as_ref()
    }

    fn current(&self) -> Option<&'a AccountSecret> {
        let name = &self.wanted.as_ref()?.secret;
        let found = self.secrets.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, secret)| *secret)
            .filter(|secret| secret.role == Role::Current)
    }

    fn next_name(&self) -> Option<String> {
        Some(format!("{}{NEXT}", self.wanted.as_ref()?.secret))
    }

    fn next(&self) -> Option<&'a AccountSecret> {
        let name = self.next_name()?;
        let found = self.secrets.iter().find(|(known, _)| **known == name);
        found
            .map(|(_, secret)| *secret)
            .filter(|secret| secret.role == Role::Next)
    }

    /// Secrets that are neither.
    fn stale(&self) -> impl Iterator<Item = (&'a String, &'a AccountSecret)> {
        let keep = [
            self.wanted.as_ref().map(|wanted| wanted.secret.clone()),
            self.next_name(),
        ];
        let all = self.secrets.iter().copied();
        all.filter(move |(name, _)| !keep.iter().flatten().any(|kept| kept == *name))
    }
}

fn wanted(world: &World, plugin: &Plugin, account: &Account) -> Option<Wanted> {
    let core = world.core.as_ref()?;
    let tenant = account.tenant.or(core.tenant())?;
    let url = core.entry.spec.as_ref()?.url.trim_end_matches('/').to_owned();
    let ca = core.ca_pem.as_deref().unwrap_or_default();
    Some(Wanted {
        connection: Connection {
            url,
            tenant,
            ca: String::from_utf8_lossy(ca).into_owned(),
        },
        acl: account.acl.texts(),
        secret: account.secret(&plugin_name(world)),
        every: account.rotate_every,
        rotate: world.itself.rotate.clone(),
    })
    .filter(|_| plugin.account.is_some())
}

fn plugin_name(world: &World) -> String {
    world.itself.key.name.clone()
}

/// Who the account is; `None`: the stack or the owner is not known yet.
#[must_use]
pub fn subject(world: &World) -> Option<Subject> {
    let core = world.core.as_ref()?;
    let stack = core.stack()?;
    Some(Subject::new(stack, core.owner_id()?, &world.itself.key))
}

/// Plans the account of a plugin that stays. `standing`: whether the core grants an account. `rolled`: the pods that
/// run are those of the Deployment as it is wanted.
#[must_use]
pub fn plan(world: &World, plugin: &Plugin, standing: Standing, rolled: bool) -> AccountPlan {
    let known = tenants(world);
    let nothing = AccountPlan {
        tenants: world.itself.ledger.accounts.clone(),
        settled: plugin.account.is_none() && known.is_empty(),
        forget: known.is_empty() && (plugin.account.is_none() || standing == Standing::Refused),
        ..AccountPlan::default()
    };
    let suspended = world.core.as_ref().is_none_or(|core| core.suspended());
    // What cannot be written down is not begun.
    if nothing.forget || suspended || world.marker().is_none() {
        return nothing;
    }
    if standing == Standing::Unknown && plugin.account.is_some() {
        return nothing;
    }
    if standing == Standing::Refused && plugin.account.is_some() {
        // What was granted once and is not any more is taken out of the core, whatever uses it.
        let plan = decide(world, None, known, true).unwrap_or(nothing);
        return AccountPlan {
            differs: false,
            ..plan
        };
    }
    if let Some(account) = plugin
        .account
        .as_ref()
        .filter(|_| refusal(world, plugin).is_some())
    {
        return narrowed(world, plugin, account, known).unwrap_or(nothing);
    }
    let wanted = plugin
        .account
        .as_ref()
        .map(|account| wanted(world, plugin, account));
    // What is asked for cannot be known yet.
    let wanted = match wanted {
        Some(None) => return nothing,
        Some(wanted) => wanted,
        None => None,
    };
    decide(world, wanted, known, rolled).unwrap_or(nothing)
}

/// More is asked for than is granted: what stands goes on standing where that much is granted, and is taken out where it
/// is not.
fn narrowed(world: &World, plugin: &Plugin, account: &Account, known: BTreeSet<Uuid>) -> Option<AccountPlan> {
    let seen = world.account.as_ref().and_then(|fact| fact.seen.as_ref());
    let mut policies = seen.into_iter().flat_map(|seen| seen.policies.values());
    if policies.any(|policy| !acl_grant::may_stay(world, account, &policy.acl)) {
        return decide(world, None, known, true);
    }
    let mut plan = decide(world, wanted(world, plugin, account), known, true)?;
    plan.secret = None;
    plan.differs = false;
    if let Some((_, wish)) = &mut plan.wish {
        wish.act = None;
    }
    Some(plan)
}

/// Plans the end of the account of a plugin that is being deleted.
#[must_use]
pub fn removal(world: &World) -> AccountPlan {
    let plugin = world.itself.plugin.as_ref().ok();
    let retain = plugin.is_some_and(|plugin| plugin.spec.deletion_policy() == DeletionPolicy::Retain);
    let mut known = tenants(world);
    if let Some((account, core)) = plugin
        .and_then(|plugin| plugin.account.as_ref())
        .zip(world.core.as_ref())
    {
        // The ledger may have been lost with the annotations; what the status says to be registered is as good.
        let registered = crate::judge::account::stood(world);
        known.extend(account.tenant.or(core.tenant()).filter(|_| registered));
    }
    // What a stranger wrote of a core that never let it in is nothing to wait for.
    let never_let_in =
        world.core.is_none() && crate::judge::grant::is_foreign(world) && !super::is_attested(world);
    let nothing = AccountPlan {
        tenants: known.clone(),
        settled: retain || world.itself.abandon || known.is_empty() || never_let_in,
        ..AccountPlan::default()
    };
    if nothing.settled {
        return nothing;
    }
    let mut plan = decide(world, None, known, true).unwrap_or(nothing);
    // Secrets go with their owner: what is left of it then is nothing.
    plan.settled |= plan.secret.take().is_some();
    plan
}

fn decide(world: &World, wanted: Option<Wanted>, known: BTreeSet<Uuid>, rolled: bool) -> Option<AccountPlan> {
    let core = world.core.as_ref()?;
    let subject = subject(world)?;
    let first = wanted.as_ref().map(|wanted| wanted.connection.tenant);
    let mut tenants: Vec<Uuid> = first.into_iter().collect();
    tenants.extend(known.iter().filter(|tenant| Some(**tenant) != first));
    let situation = Situation {
        subject: subject.clone(),
        secrets: account_secret::ours(world),
        fact: world.account.as_ref(),
        rolled,
        hands_off: wanted.is_some() && leaves_alone(world),
        now: world.now,
        wanted,
    };
    let held = world
        .itself
        .plugin
        .as_ref()
        .ok()
        .and_then(|plugin| plugin.account.as_ref())
        .map(|account| account.acl.must_be_held())
        .unwrap_or_default();
    let step = steps::next(&situation);
    let mut plan = AccountPlan {
        settled: matches!(step, Step::Settled),
        differs: situation.differs(),
        due: situation.due(),
        ..AccountPlan::default()
    };
    let mut act: Option<Act> = None;
    match step {
        Step::Act(next) => act = Some(next),
        Step::Secret(next) => plan.secret = Some(next),
        Step::Look | Step::Wait | Step::Settled => {}
    }
    plan.tenants = tenants
        .iter()
        .copied()
        .filter(|tenant| stays(&situation, *tenant))
        .collect();
    plan.wish = Some((
        core.key.clone(),
        AccountWish {
            subject,
            tenants,
            held,
            act,
            password: None,
        },
    ));
    Some(plan)
}

fn leaves_alone(world: &World) -> bool {
    let plugin = world.itself.plugin.as_ref().ok();
    plugin.is_some_and(|plugin| account_change::reported(world, plugin).is_some())
}

/// Whether something may stand in a tenant: until a look shows that nothing does.
fn stays(situation: &Situation<'_>, tenant: Uuid) -> bool {
    let wanted = situation
        .wanted
        .as_ref()
        .is_some_and(|wanted| wanted.connection.tenant == tenant);
    let named = situation
        .secrets
        .iter()
        .any(|(_, secret)| secret.tenant == Some(tenant));
    wanted
        || named
        || situation.seen().is_none_or(|seen| {
            seen.policies.contains_key(&tenant)
                || seen.users.iter().flatten().any(|user| user.tenant == tenant)
        })
}

impl Situation<'_> {
    /// When the credentials are to be replaced by time.
    fn due(&self) -> Option<Timestamp> {
        let every = self.wanted.as_ref()?.every?;
        self.current()?.made?.checked_add(every).ok()
    }

    fn rights(&self) -> String {
        self.wanted
            .as_ref()
            .map(|wanted| rights_hash(&wanted.acl))
            .unwrap_or_default()
    }
}
