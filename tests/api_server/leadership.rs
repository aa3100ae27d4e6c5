//! Two replicas: one works, the other stands by, and never two at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::log::Log;
use wazo_e2e::objects::{manifest_url, plugin};
use wazo_e2e::operator::{Operator, Wiring};
use wazo_e2e::rights::LEASE;
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};
use wazo_e2e::wazo_simulated_core::EffectKind;
use wazo_plugin_operator::controller::Election;

const DURATION: Duration = Duration::from_secs(4);
const RENEW: Duration = Duration::from_millis(2500);
const RETRY: Duration = Duration::from_millis(300);
/// What a busy machine may take beside.
const SLACK: Duration = Duration::from_secs(5);

/// One replica.
struct Replica {
    operator: Operator,
    gate: Arc<Gate>,
    log: Log,
    address: SocketAddr,
}

/// How a replica of this name is run.
async fn wiring(trial: &mut Trial, identity: &str) -> Wiring {
    trial.plane().grant_in(trial.namespace()).await;
    let namespace = trial.namespace().to_owned();
    let mut wiring = trial.wiring().clone();
    wiring.calm();
    wiring.log = Log::default();
    trial.search(&wiring.log);
    wiring.settings.election = Some(Election {
        lease_duration: DURATION,
        renew_deadline: RENEW,
        retry_period: RETRY,
        ..Election::new(namespace, LEASE, identity)
    });
    wiring
}

async fn replica(trial: &mut Trial, identity: &str) -> Replica {
    let mut wiring = wiring(trial, identity).await;
    // Free for as long as nobody else asks for a port: a moment.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr()
        .expect("it is bound");
    wiring.settings.listen = Some(address);
    let gate = Gate::open();
    Replica {
        operator: Operator::start(&wiring, gate.clone()),
        gate,
        log: wiring.log,
        address,
    }
}

impl Replica {
    fn leads(&self) -> bool {
        let log = self.log.text();
        terms(&log) > log.matches("leads no longer").count()
    }

    fn lost(&self) -> bool {
        self.log.text().contains("leads no longer")
    }

    /// All that it asked for, but for the lease.
    fn work(&self) -> Vec<String> {
        let asked = self.gate.mutations().into_iter().chain(self.gate.reads());
        asked
            .filter(|asked| !is_lease(asked))
            .map(|asked| asked.to_string())
            .collect()
    }

    fn looks_at_the_lease(&self) -> usize {
        let asked = self.gate.mutations().into_iter().chain(self.gate.reads());
        asked.filter(is_lease).count()
    }

    /// Status and body of one of its endpoints.
    async fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("its endpoints");
        let request = format!("GET {path} HTTP/1.1\r\nhost: replica\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (
            head.lines().next().unwrap_or_default().to_owned(),
            body.to_owned(),
        )
    }
}

/// How many terms began, by a log.
pub(crate) fn terms(log: &str) -> usize {
    log.matches("this replica leads identity").count()
}

pub(crate) fn is_lease(asked: &Asked) -> bool {
    asked.side == Side::ApiServer && asked.path.contains("/leases")
}

async fn leads(trial: &Trial, replica: &Replica) {
    trial.holds("a replica leads", || replica.leads()).await;
}

/// Waits until a replica that stands by has looked at the lease some more times.
async fn looks(trial: &Trial, replica: &Replica, more: usize) {
    let before = replica.looks_at_the_lease();
    trial
        .holds("the other looks at the lease", || {
            replica.looks_at_the_lease() >= before + more
        })
        .await;
}

pub(crate) async fn lease(trial: &Trial) -> Value {
    trial
        .get("coordination.k8s.io/v1", "Lease", LEASE)
        .await
        .map_or(Value::Null, |lease| lease["spec"].clone())
}

/// How often an application of the core was made: twice would be once too often.
fn nothing_is_doubled(trial: &Trial, plugins: &[&str]) {
    for app in APPS {
        let mut urls: Vec<String> = trial
            .urls(app)
            .into_iter()
            .filter(|url| url != STRANGER)
            .collect();
        urls.sort();
        let mut wanted: Vec<String> = plugins.iter().map(|plugin| manifest_url(plugin)).collect();
        wanted.sort();
        assert_eq!(urls, wanted, "{app}");
    }
    let effects = trial.core().journal().effects();
    let made = effects
        .iter()
        .filter(|entry| entry.effect.kind == EffectKind::Created && entry.path.contains("/external/apps/"));
    assert_eq!(made.count(), 1, "the one application that was not there");
    trial.strangers_data_is_intact();
}

#[test]
fn of_two_replicas_the_one_that_holds_the_lease_works_and_gives_it_back_at_the_end() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let first = replica(trial, "first").await;
        trial.ready_plugin("crm").await;
        trial.ready("crm").await;
        assert_eq!(lease(trial).await["holderIdentity"], "first");
        let second = replica(trial, "second").await;
        looks(trial, &second, 3).await;
        assert_eq!(second.work(), Vec::<String>::new());
        let (status, body) = second.get("/readyz").await;
        assert!(
            status.contains("200") && body.contains("first leads"),
            "{status} {body}"
        );
        let (_, metrics) = second.get("/metrics").await;
        assert!(metrics.contains("wazo_plugin_operator_leader 0"), "{metrics}");
        assert!(
            !metrics.contains("crm") && !metrics.contains("wazo_core_"),
            "{metrics}"
        );
        let (_, metrics) = first.get("/metrics").await;
        assert!(metrics.contains("wazo_plugin_operator_leader 1"), "{metrics}");
        assert!(metrics.contains("name=\"crm\""), "{metrics}");

        let begun = Instant::now();
        first.operator.stop().await;
        leads(trial, &second).await;
        assert!(
            begun.elapsed() < DURATION + SLACK,
            "a lease that was given back is free at once"
        );
        let spec = lease(trial).await;
        assert_eq!(
            (&spec["holderIdentity"], &spec["leaseTransitions"]),
            (&json!("second"), &json!(2))
        );
        trial.ready_plugin("erp").await;
        trial.ready("erp").await;
        let (status, _) = second.get("/readyz").await;
        assert!(status.contains("200"), "{status}");
        nothing_is_doubled(trial, &["crm", "erp"]);
        second.operator.stop().await;
        assert_eq!(trial.core().live_tokens(), 0, "both gave their tokens back");
    });
}

#[test]
fn a_leader_that_is_killed_is_followed_within_the_time_of_the_lease_and_nothing_is_doubled() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let first = replica(trial, "first").await;
        trial.ready_plugin("crm").await;
        trial.ready("crm").await;
        let second = replica(trial, "second").await;
        looks(trial, &second, 1).await;
        let killed = Instant::now();
        first.operator.kill();
        trial.ready_plugin("erp").await;
        leads(trial, &second).await;
        let taken = killed.elapsed();
        assert!(taken <= DURATION + RETRY + SLACK, "{taken:?}");
        trial.ready("erp").await;
        nothing_is_doubled(trial, &["crm", "erp"]);
        assert_eq!(lease(trial).await["holderIdentity"], "second");
        second.operator.stop().await;
    });
}

#[test]
fn a_leader_that_stood_still_sends_nothing_when_it_goes_on() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let first = replica(trial, "first").await;
        trial.ready_plugin("crm").await;
        trial.ready("crm").await;
        let second = replica(trial, "second").await;
        looks(trial, &second, 1).await;
        let frozen = first.operator.freeze().await;
        let before = first.work();
        // Work for whoever goes on: an edit, a new plugin, another wish for the core.
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"replicas": 2}}}))
            .await;
        for number in 0..5 {
            trial.apply(&plugin(&format!("late-{number}"))).await;
        }
        trial
            .edit_core(&json!({"spec": {"requestsPerSecond": 999}}))
            .await;
        leads(trial, &second).await;
        trial.ready_plugin("erp").await;
        trial.ready("erp").await;
        drop(frozen);
        trial.holds("the first knows that it lost", || first.lost()).await;
        looks(trial, &first, 3).await;
        let after = first.work();
        let more: Vec<_> = after.iter().skip_while(|asked| before.contains(asked)).collect();
        assert_eq!(after.len(), before.len(), "{more:#?}");
        assert!(!first.leads() && second.leads());
        nothing_is_doubled(trial, &["crm", "erp"]);
        first.operator.stop().await;
        assert!(second.leads(), "who stands by gives nothing back");
        second.operator.stop().await;
    });
}

#[test]
fn a_leader_that_cannot_renew_stops_before_the_lease_ends_and_works_again_when_it_can() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let only = replica(trial, "only").await;
        trial.ready_plugin("crm").await;
        trial.ready("crm").await;
        // Its rights to the lease are gone; all other rights stay.
        let binding = ("rbac.authorization.k8s.io/v1", "RoleBinding", LEASE);
        trial.delete(binding.0, binding.1, binding.2).await;
        trial.holds("it stopped", || only.lost()).await;
        let renewed = lease(trial).await["renewTime"]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap();
        let age = Timestamp::now().duration_since(renewed);
        assert!(
            age.unsigned_abs() < DURATION,
            "it worked on until {age:?} after the last renewal"
        );
        let before = only.work();
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"replicas": 2}}}))
            .await;
        trial.apply(&plugin("late")).await;
        looks(trial, &only, 5).await;
        assert_eq!(only.work(), before, "who does not lead asks for the lease alone");
        trial.plane().grant_in(trial.namespace()).await;
        leads(trial, &only).await;
        trial.ready_plugin("erp").await;
        trial.ready("erp").await;
        nothing_is_doubled(trial, &["crm", "erp"]);
        only.operator.stop().await;
    });
}
