//! Many accounts at one core: looked at together, and one by one where that is needed.

use uuid::Uuid;
use wazo_plugin_operator::core::account::{AccountFact, AccountWish, Act, ActState, Slot, Subject};
use wazo_plugin_operator::core::facts::SessionFact;
use wazo_plugin_operator::keys::PluginKey;
use wazo_plugin_operator::observe::account_secret::credentials_hash;
use wazo_plugin_operator::secret::Secret;
use wazo_simulated_core::{ACCOUNT_ACL, Entry, Options, SimulatedCore};

use crate::bench::{Bench, key};

const HELD: &str = "confd.users.read";
const USERS: &str = "/api/auth/0.1/users";
const POLICIES: &str = "/api/auth/0.1/policies";

fn plugin(number: usize) -> PluginKey {
    PluginKey::new("acme", format!("p{number:03}"))
}

fn subject(bench: &Bench, number: usize) -> Subject {
    let SessionFact::LoggedIn(account) = &bench.facts().session else {
        panic!("logged in");
    };
    Subject::new(account.stack, "owner", &plugin(number))
}

fn wish(bench: &Bench, number: usize, act: Option<Act>) -> AccountWish {
    AccountWish {
        subject: subject(bench, number),
        tenants: vec![tenant(bench)],
        held: vec![HELD.to_owned()],
        act,
        password: Some(Secret::new(format!("password-of-{number}"))),
    }
}

fn tenant(bench: &Bench) -> Uuid {
    bench.sim.tenant().parse().expect("a UUID")
}

fn fact(bench: &Bench, number: usize) -> AccountFact {
    bench.cores.account(&key(), &plugin(number)).unwrap_or_default()
}

fn stored(bench: &Bench, number: usize) -> String {
    let username = subject(bench, number).username(Slot::A);
    credentials_hash(&username, &format!("password-of-{number}"))
}

/// The operator's rights, `without` one.
fn options(without: &str) -> Options {
    let mut options = Options::default();
    let operator = options
        .seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api")
        .expect("the seed has an operator");
    let rights = ACCOUNT_ACL.into_iter().chain([HELD]);
    operator
        .acl
        .extend(rights.filter(|right| *right != without).map(ToOwned::to_owned));
    options
}

/// A core with so many accounts that are as they are wanted.
async fn with_accounts(count: usize, without: &str) -> Bench {
    let bench = Bench::start_at(options(without), |settings| settings).await;
    bench
        .until("whole", |bench| bench.facts().last_good.is_some())
        .await;
    let tenant = tenant(&bench);
    let acts = |number: usize| {
        let (slot, acl) = (Slot::A, vec![HELD.to_owned()]);
        let stored = stored(&bench, number);
        [
            Act::Policy { tenant, acl },
            Act::Make { slot, tenant, stored },
            Act::Link { slot, tenant },
        ]
    };
    for step in 0..3 {
        for number in 0..count {
            let act = acts(number)[step].clone();
            let wish = wish(&bench, number, Some(act));
            bench.cores.wish_account(&key(), &plugin(number), Some(wish));
        }
        bench
            .until("done", |bench| {
                (0..count).all(|number| {
                    let fact = fact(bench, number);
                    fact.state_of(&acts(number)[step])
                        .is_some_and(|state| matches!(state, ActState::Done))
                })
            })
            .await;
    }
    for number in 0..count {
        let wish = wish(&bench, number, None);
        bench.cores.wish_account(&key(), &plugin(number), Some(wish));
    }
    bench
}

fn requests(sim: &SimulatedCore, below: &str) -> Vec<Entry> {
    let all = sim.journal().entries().into_iter();
    all.filter(|entry| !entry.stranger && entry.path.starts_with(below))
        .collect()
}

fn readings(sim: &SimulatedCore) -> usize {
    requests(sim, &format!("{USERS}?")).len()
}

/// The requests about one user or one policy.
fn about_one(sim: &SimulatedCore) -> Vec<Entry> {
    [USERS, POLICIES]
        .iter()
        .flat_map(|list| requests(sim, &format!("{list}/")))
        .collect()
}

#[tokio::test]
async fn fifty_accounts_in_which_nothing_changes_cost_as_many_requests_as_one() {
    let bench = with_accounts(50, "").await;
    bench
        .until("read together", |bench| readings(&bench.sim) > 0)
        .await;
    bench.sim.journal().clear();
    bench
        .until("read again and again", |bench| readings(&bench.sim) >= 4)
        .await;
    let sim = &bench.sim;
    assert_eq!(about_one(sim).len(), 0, "{:#?}", about_one(sim));
    let lists = readings(sim) + requests(sim, &format!("{POLICIES}?")).len();
    assert!(lists <= 2 * readings(sim) && lists <= 12, "{lists} lists");
}

#[tokio::test]
async fn what_a_stranger_changes_of_one_of_them_is_looked_at_alone() {
    let bench = with_accounts(20, "").await;
    bench
        .until("read together", |bench| readings(&bench.sim) > 0)
        .await;
    bench.sim.journal().clear();
    let (seventh, eighth) = (subject(&bench, 7), subject(&bench, 8));
    let user = seventh.user(Slot::A).to_string();
    bench.sim.accounts().enable(&user, false);
    bench
        .until("disabled", |bench| {
            let seen = fact(bench, 7).seen;
            seen.is_some_and(|seen| seen.user(Slot::A).is_some_and(|user| !user.enabled))
        })
        .await;
    let all = bench.sim.accounts().policies();
    let policy = all.iter().find(|policy| policy.slug == eighth.policy()).unwrap();
    bench.sim.accounts().delete_policy(&policy.uuid);
    bench
        .until("without a policy", |bench| {
            fact(bench, 8).seen.is_some_and(|seen| seen.policies.is_empty())
        })
        .await;
    let others = about_one(&bench.sim).into_iter().filter(|entry| {
        let of = |subject: &Subject| {
            let names = Slot::ALL.map(|slot| subject.user(slot).to_string());
            names.iter().any(|name| entry.path.contains(name)) || entry.path.contains(subject.policy())
        };
        !of(&seventh) && !of(&eighth)
    });
    assert_eq!(others.count(), 0);
}

#[tokio::test]
async fn a_plugin_that_begins_to_fail_has_its_account_tried_at_once() {
    let bench = with_accounts(1, "").await;
    let tried = |bench: &Bench| {
        let name = subject(bench, 0).username(Slot::A);
        let all = bench.sim.accounts().list();
        let user = all
            .iter()
            .find(|user| user.username.as_deref() == Some(name.as_str()));
        let effects = bench.sim.journal().effects().into_iter();
        let logins = effects.filter(|entry| entry.effect.key == Some(format!("tokens/{name}")));
        user.map_or(0, |_| {
            logins.filter(|entry| entry.path.ends_with("/token")).count()
        })
    };
    let proof = || Act::Prove {
        slot: Slot::A,
        tenant: tenant(&bench),
        stored: stored(&bench, 0),
        acl: vec![HELD.to_owned()],
    };
    let due = |bench: &Bench| fact(bench, 0).is_check_due(jiff::Timestamp::now());
    let before = tried(&bench);
    bench.cores.suspect_account(&key(), &plugin(0));
    assert!(due(&bench));
    let wish = wish(&bench, 0, Some(proof()));
    bench.cores.wish_account(&key(), &plugin(0), Some(wish));
    bench
        .until("tried", |bench| tried(bench) > before && !due(bench))
        .await;
}

#[tokio::test]
async fn without_the_right_to_list_them_accounts_are_looked_at_one_by_one() {
    let bench = with_accounts(3, "auth.users.read").await;
    bench.sim.journal().clear();
    let user = subject(&bench, 1).user(Slot::A).to_string();
    bench.sim.accounts().enable(&user, false);
    bench
        .until("disabled", |bench| {
            let seen = fact(bench, 1).seen;
            seen.is_some_and(|seen| seen.user(Slot::A).is_some_and(|user| !user.enabled))
        })
        .await;
    assert!(fact(&bench, 1).blind.is_none());
}
