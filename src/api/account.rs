//! The account that a plugin asks for, every field usable.

use std::ops::RangeInclusive;
use std::time::Duration;

use uuid::Uuid;

use super::duration;
use super::parse::Invalid;
use super::plugin::AccountRegistration;
use crate::acl::Acl;

/// Where the field stands.
pub const PATH: &str = "spec.registrations.account";
/// After how long credentials are replaced: with each replacement the pods are rolled.
const ROTATION: RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(10 * 365 * 24 * 3600);

/// The account that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its tenant; `None`: that of the core.
    pub tenant: Option<Uuid>,
    /// What it may do.
    pub acl: Acl,
    /// The name of its Secret; `None`: the plugin's with `-core` behind it.
    secret: Option<String>,
    /// After how long its credentials are replaced; `None`: never.
    pub rotate_every: Option<Duration>,
}

impl Account {
    /// Checks what the schema cannot say.
    ///
    /// # Errors
    /// The first field that is not usable.
    pub fn parse(account: &AccountRegistration) -> Result<Self, Invalid> {
        let tenant = account.tenant.as_deref().map(str::parse).transpose();
        let acl = account.acl.as_deref().unwrap_or_default();
        Ok(Self {
            tenant: tenant.map_err(|_| Invalid::new(format!("{PATH}.tenant"), "is not a uuid"))?,
            acl: Acl::parse(acl)
                .map_err(|bad| Invalid::new(format!("{PATH}.acl[{}]", bad.index), bad.problem))?,
            secret: account.secret_name.clone(),
            rotate_every: account.rotate_every.as_deref().map(every).transpose()?,
        })
    }

    /// The name of the Secret of the plugin `plugin`.
    #[must_use]
    pub fn secret(&self, plugin: &str) -> String {
        let named = self.secret.clone();
        named.unwrap_or_else(|| Self::default_secret(plugin))
    }

    /// The name of the Secret of the plugin `plugin`, where the spec names none.
    #[must_use]
    pub fn default_secret(plugin: &str) -> String {
        format!("{plugin}-core")
    }
}

fn every(text: &str) -> Result<Duration, Invalid> {
    duration::field(&format!("{PATH}.rotateEvery"), text, &ROTATION)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Account;

    fn parsed(account: serde_json::Value) -> Result<Account, String> {
        let account = serde_json::from_value(account).unwrap();
        Account::parse(&account).map_err(|invalid| invalid.path)
    }

    #[test]
    fn an_account_is_read_with_its_defaults() {
        let account =
            parsed(serde_json::json!({"acl": ["confd.users.read"], "rotateEvery": "1h30m"})).unwrap();
        assert_eq!(account.rotate_every, Some(Duration::from_secs(5400)));
        assert_eq!(
            (account.tenant, account.secret("crm").as_str()),
            (None, "crm-core")
        );
        let named = parsed(serde_json::json!({"secretName": "mine"})).unwrap();
        assert_eq!(
            (named.secret("crm").as_str(), named.acl.entries.len()),
            ("mine", 0)
        );
    }

    #[test]
    fn what_is_not_usable_is_named_by_its_field() {
        for (account, path) in [
            (
                serde_json::json!({"tenant": "x"}),
                "spec.registrations.account.tenant",
            ),
            (
                serde_json::json!({"acl": ["a", "b c"]}),
                "spec.registrations.account.acl[1]",
            ),
            (
                serde_json::json!({"rotateEvery": "59m"}),
                "spec.registrations.account.rotateEvery",
            ),
            (
                serde_json::json!({"rotateEvery": "soon"}),
                "spec.registrations.account.rotateEvery",
            ),
        ] {
            assert_eq!(parsed(account).unwrap_err(), path);
        }
    }
}
