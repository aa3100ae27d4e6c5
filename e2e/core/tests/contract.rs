//! The simulated daemons against recorded exchanges of the real ones (`contract/cases.jsonl`).
//!
//! The cases are replayed in the order of the recording against one stack, by the stack's own clock. What was
//! made meanwhile has other uuids here: `<uuid:N>` is bound to the uuid that stands in the same place of our
//! answer, or chosen when a request needs it first.

mod replay;

use std::collections::BTreeMap;

use replay::{Case, Contract, Replay, Verdict};
use wazo_simulated_core::{Account, Options, Seed, SimulatedCore};

/// How much of the recorded behaviour must be kept.
const BOUND: f64 = 0.98;
/// In how many of the cases every value must be the recorded one too; random slugs and ties in order never are.
const VALUES_BOUND: f64 = 0.95;

/// The stack as it was when the recording began: the accounts of the daemons and of the administrator.
fn seed(contract: &Contract) -> Seed {
    let seed = Seed::default();
    let password = contract
        .cases
        .iter()
        .find_map(|case| case.basic.clone())
        .map(|(_, password)| password);
    let accounts = ["root", "wazo-confd", "wazo-provd", "wazo-webhookd", "wazo-wizard"]
        .iter()
        .enumerate();
    let accounts = accounts.map(|(number, username)| Account {
        uuid: format!("7a3e9c54-6c1b-4f0e-9d27-3f40b2c1{number:04}"),
        username: (*username).to_owned(),
        password: password.clone().unwrap_or_default(),
        tenant: seed.master_tenant.clone(),
        purpose: "internal".to_owned(),
        acl: vec!["#".to_owned()],
    });
    Seed {
        accounts: accounts.collect(),
        tenants: Vec::new(),
        configured: false,
        ..seed.clone()
    }
}

/// The deviations that are known, by the number of their case, with the reason.
fn known_deviations() -> BTreeMap<String, String> {
    let text = include_str!("../contract/deviations.md");
    let items = text
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    items
        .map(|(number, reason)| (number.to_owned(), reason.to_owned()))
        .collect()
}

#[tokio::test]
async fn the_simulated_daemons_answer_as_the_real_ones_were_recorded_to() {
    let contract = Contract::read(include_str!("../contract/cases.jsonl"));
    let options = Options {
        seed: seed(&contract),
        ..Options::default()
    };
    let core = SimulatedCore::start(options).await.unwrap();
    let known = known_deviations();
    let mut replay = Replay::new(&contract);
    let (mut counted, mut values, mut setups, mut setups_off) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut deviating: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut other_values = Vec::new();
    for case in &contract.cases {
        let verdict = replay.play(&core, case);
        if case.setup {
            setups += 1;
            setups_off += u32::from(!verdict.shape.is_empty());
            continue;
        }
        counted += 1;
        values += u32::from(verdict.shape.is_empty() && verdict.values.is_empty());
        note(case, verdict, &mut deviating, &mut other_values);
    }
    let agreeing = counted - u32::try_from(deviating.len()).unwrap();
    let share = f64::from(agreeing) / f64::from(counted);
    println!(
        "contract: {agreeing} of {counted} cases agree ({:.2} %), in every value too {values}",
        share * 100.0
    );
    println!(
        "setup: {setups} cases replayed, {setups_off} of them with another status (recorded side by side)"
    );
    println!("left out, by route:");
    for (route, count) in &contract.left_out {
        println!("  {count:4}  {route}");
    }
    for (number, differences) in &deviating {
        println!(
            "deviation {number}: {} ({})",
            differences.join("; "),
            known.get(number).map_or("NOT LISTED", |r| r)
        );
    }
    if std::env::var_os("CONTRACT_VALUES").is_some() {
        other_values.iter().for_each(|line| println!("value {line}"));
    }
    let unlisted: Vec<_> = deviating
        .keys()
        .filter(|number| !known.contains_key(*number))
        .collect();
    assert!(
        unlisted.is_empty(),
        "deviations that contract/deviations.md does not list: {unlisted:?}"
    );
    let healed: Vec<_> = known
        .keys()
        .filter(|number| !deviating.contains_key(*number))
        .collect();
    assert!(
        healed.is_empty(),
        "these agree now, take them out of contract/deviations.md: {healed:?}"
    );
    assert!(share >= BOUND, "only {:.2} % of the cases agree", share * 100.0);
    assert!(
        f64::from(values) >= VALUES_BOUND * f64::from(counted),
        "only {values} cases agree in every value"
    );
}

fn note(
    case: &Case,
    verdict: Verdict,
    deviating: &mut BTreeMap<String, Vec<String>>,
    values: &mut Vec<String>,
) {
    let head = format!("{} {} {} [{}]", case.number, case.method, case.path, case.label);
    values.extend(
        verdict
            .values
            .iter()
            .map(|difference| format!("{head}: {difference}")),
    );
    if !verdict.shape.is_empty() {
        deviating.insert(case.number.clone(), verdict.shape);
    }
}
