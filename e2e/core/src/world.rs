//! What the stack knows: tenants, users, policies, groups, tokens and external apps, in memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::access::Access;
use crate::clock::Clock;
use crate::defaults::{ADMIN_ACL, ADMIN_POLICY, USER_ACL, USER_POLICY};
use crate::seed::{Account, Application, PhoneUser, Seed, UserApplication};

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) uuid: String,
    pub(crate) parent: String,
    pub(crate) name: Option<String>,
    pub(crate) slug: String,
    pub(crate) contact: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) method: String,
    /// Name and uuid of each domain, by name.
    pub(crate) domains: BTreeMap<String, String>,
    pub(crate) address: Value,
    /// Made while the bus was away: it has no all-users group, and making users in it answers 500.
    pub(crate) half_made: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Email {
    pub(crate) uuid: String,
    pub(crate) address: String,
    pub(crate) main: bool,
    pub(crate) confirmed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) uuid: String,
    pub(crate) tenant: String,
    pub(crate) username: Option<String>,
    pub(crate) firstname: Option<String>,
    pub(crate) lastname: Option<String>,
    pub(crate) purpose: String,
    pub(crate) emails: Vec<Email>,
    pub(crate) enabled: bool,
    pub(crate) method: String,
    pub(crate) password: Option<String>,
    pub(crate) policies: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) uuid: String,
    /// None: one of the configuration, seen in every tenant.
    pub(crate) tenant: Option<String>,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) description: Option<String>,
    pub(crate) acl: Vec<String>,
    pub(crate) shared: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) uuid: String,
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) system: bool,
    pub(crate) users: Vec<String>,
    pub(crate) policies: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) session: String,
    pub(crate) user: String,
    pub(crate) username: Option<String>,
    pub(crate) tenant: String,
    pub(crate) purpose: String,
    /// Frozen when it was made.
    pub(crate) acl: Vec<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) user_agent: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) token: String,
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) created: Timestamp,
}

/// Everything that the daemons keep in their databases.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) stack_uuid: String,
    pub(crate) version: String,
    pub(crate) tenants: BTreeMap<String, Tenant>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Every token and password that ever was: none of them may be told by anybody.
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) refreshes: Vec<Refresh>,
    /// By tenant and name.
    pub(crate) apps: BTreeMap<(String, String), Application>,
    /// wazo-confd's users, by uuid; their ids are never given twice.
    pub(crate) phone_users: BTreeMap<String, PhoneUser>,
    pub(crate) last_phone_user: u64,
    /// By user and name.
    pub(crate) user_apps: BTreeMap<(String, String), UserApplication>,
    /// The tenants that wazo-confd has a row of: it makes one with the first object in the tenant.
    pub(crate) confd_tenants: BTreeSet<String>,
    /// Whether the wizard was run, as `/wizard` tells.
    pub(crate) configured: bool,
    /// Whether RabbitMQ is away at the moment: a fault sets it.
    pub(crate) bus_down: bool,
    /// Whether every check of rights fails at the moment: a fault sets it.
    pub(crate) unauthorized: bool,
}

pub(crate) fn new_uuid() -> String {
    Uuid::new_v4().to_string()
}

impl World {
    pub(crate) fn new(seed: Seed, clock: Clock) -> Self {
        let mut world = Self {
            clock,
            stack_uuid: seed.stack_uuid,
            version: seed.wazo_version,
            tenants: BTreeMap::new(),
            users: BTreeMap::new(),
            policies: BTreeMap::new(),
            groups: BTreeMap::new(),
            tokens: BTreeMap::new(),
            secrets: BTreeSet::new(),
            refreshes: Vec::new(),
            apps: BTreeMap::new(),
            phone_users: BTreeMap::new(),
            last_phone_user: 0,
            user_apps: BTreeMap::new(),
            confd_tenants: BTreeSet::new(),
            configured: seed.configured,
            bus_down: false,
            unauthorized: false,
        };
        for (name, of, acl) in [
            (USER_POLICY, "user", USER_ACL),
            (ADMIN_POLICY, "administrator", ADMIN_ACL),
        ] {
            let acl = acl.iter().map(ToString::to_string).collect();
            world.add_policy(None, name, Some(format!("Default Wazo policy for {of}")), acl);
        }
        world.add_tenant(
            &seed.master_tenant,
            &seed.master_tenant,
            Some("master".to_owned()),
            "master",
        );
        for tenant in seed.tenants {
            let parent = tenant.parent.unwrap_or_else(|| seed.master_tenant.clone());
            world.add_tenant(&tenant.uuid, &parent, Some(tenant.name), &tenant.slug);
        }
        for account in seed.accounts {
            world.add_account(account);
        }
        for app in seed.applications {
            world.confd_tenants.insert(app.tenant.clone());
            world.apps.insert((app.tenant.clone(), app.name.clone()), app);
        }
        world
    }

    pub(crate) fn now(&self) -> f64 {
        self.clock.now().as_microsecond() as f64 / 1e6
    }

    pub(crate) fn add_tenant(&mut self, uuid: &str, parent: &str, name: Option<String>, slug: &str) {
        let tenant = Tenant {
            uuid: uuid.to_owned(),
            parent: parent.to_owned(),
            name,
            slug: slug.to_owned(),
            contact: None,
            phone: None,
            method: "native".to_owned(),
            domains: BTreeMap::new(),
            address: no_address(),
            half_made: self.bus_down,
        };
        self.tenants.insert(uuid.to_owned(), tenant);
        let all_users = format!("wazo-all-users-tenant-{uuid}");
        for (name, system) in [(all_users.as_str(), true), ("wazo_default_admin_group", false)] {
            if !(system && self.bus_down) {
                let group = Group {
                    uuid: new_uuid(),
                    tenant: uuid.to_owned(),
                    name: name.to_owned(),
                    slug: name.to_owned(),
                    system,
                    users: Vec::new(),
                    policies: Vec::new(),
                };
                self.groups.insert(group.uuid.clone(), group);
            }
        }
    }

    pub(crate) fn add_policy(
        &mut self,
        tenant: Option<&str>,
        name: &str,
        description: Option<String>,
        acl: Vec<String>,
    ) -> String {
        let policy = Policy {
            uuid: new_uuid(),
            tenant: tenant.map(ToOwned::to_owned),
            name: name.to_owned(),
            slug: slug_of(name, "_-", 80),
            description,
            acl,
            shared: false,
        };
        let uuid = policy.uuid.clone();
        self.policies.insert(uuid.clone(), policy);
        uuid
    }

    pub(crate) fn add_account(&mut self, account: Account) {
        let policy = (!account.acl.is_empty()).then(|| {
            self.add_policy(
                Some(&account.tenant),
                &format!("{}-rights", account.username),
                None,
                account.acl,
            )
        });
        self.keep_to_ourselves(&account.password);
        let native = account.purpose != "user";
        let user = User {
            uuid: account.uuid.clone(),
            tenant: account.tenant,
            username: Some(account.username),
            firstname: None,
            lastname: None,
            purpose: account.purpose,
            emails: Vec::new(),
            enabled: true,
            method: if native { "native" } else { "default" }.to_owned(),
            password: Some(account.password),
            policies: policy.into_iter().collect(),
        };
        self.users.insert(account.uuid, user);
    }

    /// Takes a tenant away with all that is in it: users, policies, groups, confd's users and external apps.
    /// The real confd follows within a second, told by the bus; here it is done at once.
    pub(crate) fn remove_tenant(&mut self, uuid: &str) {
        self.tenants.remove(uuid);
        self.users.retain(|_, user| user.tenant != uuid);
        self.policies
            .retain(|_, policy| policy.tenant.as_deref() != Some(uuid));
        self.groups.retain(|_, group| group.tenant != uuid);
        self.apps.retain(|(tenant, _), _| tenant != uuid);
        self.phone_users.retain(|_, user| user.tenant != uuid);
        let users = &self.phone_users;
        self.user_apps.retain(|(user, _), _| users.contains_key(user));
        self.confd_tenants.remove(uuid);
    }

    /// Whether a tenant is another one or below it.
    pub(crate) fn is_below(&self, tenant: &str, top: &str) -> bool {
        let mut at = tenant;
        while let Some(here) = self.tenants.get(at) {
            if at == top {
                return true;
            }
            if here.parent == at {
                return false;
            }
            at = &here.parent;
        }
        false
    }

    /// Notes a token or a password: nobody may tell it.
    pub(crate) fn keep_to_ourselves(&mut self, secret: &str) {
        self.secrets.insert(secret.to_owned());
    }

    pub(crate) fn live_token(&self, token: &str) -> Option<&Token> {
        self.tokens
            .get(token)
            .filter(|token| token.expires > self.clock.now())
    }

    pub(crate) fn live_tokens_of(&self, user: &str) -> Vec<&Token> {
        let now = self.clock.now();
        self.tokens
            .values()
            .filter(|token| token.user == user && token.expires > now)
            .collect()
    }

    pub(crate) fn drop_tokens_of(&mut self, user: &str) {
        self.tokens.retain(|_, token| token.user != user);
    }

    /// The rights that a new token of a user would have.
    pub(crate) fn acl_of(&self, user: &User) -> Vec<String> {
        let mut acl: Vec<String> = USER_ACL.iter().map(ToString::to_string).collect();
        let of_groups = self
            .groups
            .values()
            .filter(|group| group.users.contains(&user.uuid))
            .flat_map(|group| &group.policies);
        for policy in of_groups
            .chain(&user.policies)
            .filter_map(|policy| self.policies.get(policy))
        {
            acl.extend(policy.acl.iter().cloned());
        }
        unique(acl)
    }

    /// An external app as confd shows it.
    pub(crate) fn app_value(app: &Application, base: &str) -> Value {
        let href = format!("{base}/1.1/external/apps/{}", crate::call::encode(&app.name));
        json!({
            "tenant_uuid": app.tenant,
            "name": app.name,
            "label": app.label,
            "configuration": app.configuration,
            "links": [{"rel": "external_apps", "href": href}],
        })
    }
}

impl Token {
    pub(crate) fn access(&self) -> Access<'_> {
        Access {
            acl: &self.acl,
            me: &self.user,
            session: &self.session,
        }
    }
}

/// A list without its doubles, in the order of first sight.
pub(crate) fn unique(list: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    list.into_iter()
        .filter(|entry| seen.insert(entry.clone()))
        .collect()
}

/// An address of which nothing is known.
pub(crate) fn no_address() -> Value {
    let parts = ["line_1", "line_2", "city", "state", "country", "zip_code"];
    Value::Object(
        parts
            .iter()
            .map(|part| ((*part).to_owned(), Value::Null))
            .collect::<Map<_, _>>(),
    )
}

/// A slug made from a name: other characters dropped, cut at a length.
pub(crate) fn slug_of(name: &str, also: &str, length: usize) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || also.contains(*c))
        .take(length)
        .collect()
}
