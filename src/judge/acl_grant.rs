//! Whether the account that a plugin asks for is granted: what it may do is included in what the WazoCore grants, and
//! reaches nothing of the set that no grant opens.

use super::World;
use super::candidate::Candidate;
use super::grant::{self, Standing};
use crate::acl::{Acl, denied, excess};
use crate::api::account::{Account, PATH};
use crate::api::parse::Plugin;
use crate::api::plugin::RegistrationKind;
use crate::api::reason::Reason;

/// Why an account is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More is asked for than is granted.
    #[error("acl \"{entry}\" reaches \"{example}\", which the WazoCore does not grant")]
    Beyond {
        /// The place of the entry.
        index: usize,
        /// The entry.
        entry: String,
        /// An access that is not granted.
        example: String,
    },
    /// Something is asked for that no account gets.
    #[error(
        "acl \"{entry}\" reaches \"{example}\", which no plugin's account may have: ask for less, or refuse it with \"!{example}\""
    )]
    Denied {
        /// The place of the entry.
        index: usize,
        /// The entry.
        entry: String,
        /// An access of the fixed set.
        example: String,
    },
    /// Nobody can tell.
    #[error(
        "acl has too many wildcards to be compared with what the WazoCore grants: write fewer '*' and '#'"
    )]
    TooComplex,
}

impl Refused {
    const fn reason(&self) -> Reason {
        match self {
            Self::Beyond { .. } => Reason::AclNotGranted,
            Self::Denied { .. } | Self::TooComplex => Reason::AclForbidden,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Beyond { index, .. } | Self::Denied { index, .. } => format!("{PATH}.acl[{index}]"),
            Self::TooComplex => format!("{PATH}.acl"),
        }
    }
}

/// Whether `asked` may be given; `granted`: what all grants for it name, together.
///
/// # Errors
/// Why not.
pub fn acl(asked: &Acl, granted: &[String]) -> Result<(), Refused> {
    let entry = |index: usize| {
        asked
            .entries
            .get(index)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    if let Some(found) = denied::reached(asked).map_err(|_| Refused::TooComplex)? {
        return Err(Refused::Denied {
            index: found.index,
            entry: entry(found.index),
            example: found.example,
        });
    }
    // An entry of a grant that is not usable grants nothing.
    let usable = granted
        .iter()
        .filter_map(|text| crate::acl::Entry::parse(text).ok());
    let granted = Acl {
        entries: usable.collect(),
    };
    match excess(asked, &granted).map_err(|_| Refused::TooComplex)? {
        None => Ok(()),
        Some(found) => Err(Refused::Beyond {
            index: found.index,
            entry: entry(found.index),
            example: found.example,
        }),
    }
}

/// What the grants of the core name for the account; `None`: nobody can tell now, or a grant for accounts in its tenant
/// is not there at all, which [`super::grant`] tells.
fn granted(world: &World, account: &Account) -> Option<Vec<String>> {
    if grant::standing(world, RegistrationKind::Account) != Standing::Open {
        return None;
    }
    let own = world.core.as_ref()?.tenant()?;
    let allowance = world.allowance.as_ref()?;
    let entries = allowance.acl(account.tenant.unwrap_or(own), own, true);
    Some(entries.into_iter().map(ToOwned::to_owned).collect())
}

/// Whether rights that stand in the core may go on to stand, although others are asked for that may not.
#[must_use]
pub fn may_stay(world: &World, account: &Account, rights: &[String]) -> bool {
    let rights = Acl::parse(rights);
    let granted = granted(world, account);
    rights.is_ok_and(|rights| granted.is_some_and(|granted| acl(&rights, &granted).is_ok()))
}

/// What is wrong with the rights that a plugin asks for; `None`: it may have them, or nobody knows yet.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin, account: &Account) -> Option<Candidate> {
    let refused = acl(&account.acl, &granted(world, account)?).err()?;
    let key = &world.itself.key;
    let told = refused.to_string();
    let core = &plugin.spec.core_ref.name;
    Some(
        Candidate::new(refused.reason(), world.now, told.clone())
            .evidence("API server", told, Some(format!("WazoCore/{core}")))
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &key.namespace,
                &key.name,
            )
            .field(refused.path()),
    )
}

#[cfg(test)]
mod tests {
    use super::{Refused, acl};
    use crate::acl::Acl;

    fn ask(asked: &[&str], granted: &[&str]) -> Result<(), Refused> {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        acl(&Acl::parse(&texts(asked)).unwrap(), &texts(granted))
    }

    #[test]
    fn what_is_granted_is_given_and_what_is_not_is_named() {
        assert_eq!(ask(&["confd.users.read"], &["confd.users.*"]), Ok(()));
        assert_eq!(ask(&[], &[]), Ok(()));
        let refused = ask(&["confd.users.read", "calld.calls.#"], &["confd.users.*"]).unwrap_err();
        assert_eq!(refused.path(), "spec.registrations.account.acl[1]");
        assert!(
            refused
                .to_string()
                .contains("\"calld.calls.#\" reaches \"calld.calls.\""),
            "{refused}"
        );
    }

    #[test]
    fn no_grant_opens_the_fixed_set() {
        for asked in [
            "#",
            "auth.users.password.rese*.x.create",
            "provd.#",
            "auth.users.*.update",
        ] {
            let refused = ask(&[asked], &["#"]).unwrap_err();
            assert!(matches!(refused, Refused::Denied { index: 0, .. }), "{refused}");
        }
        assert_eq!(ask(&["confd.#", "!confd.config.read"], &["#"]), Ok(()));
    }

    #[test]
    fn a_grant_that_is_not_usable_grants_nothing() {
        assert!(ask(&["confd.users.read"], &["confd..users", "", "é"]).is_err());
    }
}
