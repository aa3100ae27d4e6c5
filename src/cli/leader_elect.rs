//! How `run` agrees with other replicas on the one that works.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use uuid::Uuid;
use wazo_plugin_operator::controller::Election;

use super::CliError;

/// The election among replicas.
#[derive(Debug, Args)]
#[command(next_help_heading = "Leader election")]
pub(crate) struct LeaderElect {
    /// Work only while this replica holds the lease: needed wherever two may run at the same time
    #[arg(long, env = "LEADER_ELECT")]
    leader_elect: bool,
    /// The namespace of the Lease; in a pod it is the pod's
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    leader_elect_resource_namespace: Option<String>,
    /// The name of the Lease
    #[arg(long, value_name = "NAME", default_value = "wazo-plugin-operator")]
    leader_elect_resource_name: String,
    /// How long others wait after the last renewal before they take over
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    leader_elect_lease_duration: Duration,
    /// How long the leader goes on after the last renewal: less than the lease's duration
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    leader_elect_renew_deadline: Duration,
    /// How often the leader renews, and the others look
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    leader_elect_retry_period: Duration,
    /// The pod's uid: with its name it tells this replica from all others
    #[arg(long, env = "POD_UID", hide = true)]
    pod_uid: Option<String>,
}

/// `15s`, `1m30s`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| "not a duration as in 15s or 1m30s".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "must not be negative".to_owned())
}

impl LeaderElect {
    /// The election, if there is to be one.
    pub(crate) fn election(self, pod_name: Option<&str>) -> Result<Option<Election>, CliError> {
        if !self.leader_elect {
            return Ok(None);
        }
        let namespace = self.leader_elect_resource_namespace.ok_or_else(|| {
            let text = "--leader-elect needs --leader-elect-resource-namespace (or POD_NAMESPACE)";
            CliError::Start(text.to_owned())
        })?;
        // A restarted container of the same pod is the same replica: its predecessor is gone for sure. Elsewhere
        // nothing but chance tells two processes apart.
        let identity = match (pod_name, &self.pod_uid) {
            (Some(name), Some(uid)) => format!("{name}_{uid}"),
            (name, _) => format!("{}_{}", name.unwrap_or("wazo-plugin-operator"), Uuid::new_v4()),
        };
        let election = Election {
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
            retry_period: self.leader_elect_retry_period,
            ..Election::new(namespace, self.leader_elect_resource_name, identity)
        };
        election
            .check()
            .map_err(|error| CliError::Start(format!("--leader-elect: {error}")))?;
        Ok(Some(election))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::{LeaderElect, duration};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        election: LeaderElect,
    }

    fn election(arguments: &[&str]) -> Result<Option<super::Election>, String> {
        let arguments = ["run"].iter().chain(arguments);
        let line = Line::try_parse_from(arguments).map_err(|error| error.to_string())?;
        line.election
            .election(Some("pod-1"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn there_is_no_election_unless_it_is_asked_for() {
        assert!(election(&[]).unwrap().is_none());
        let given = ["--leader-elect", "--leader-elect-resource-namespace", "wazo"];
        let found = election(&given).unwrap().unwrap();
        assert_eq!(
            (found.namespace.as_str(), found.name.as_str()),
            ("wazo", "wazo-plugin-operator")
        );
        assert_eq!(found.lease_duration, Duration::from_secs(15));
    }

    #[test]
    fn a_pod_is_the_same_replica_after_a_restart_and_other_processes_never_are() {
        let given = ["--leader-elect", "--leader-elect-resource-namespace", "wazo"];
        let identity = |more: &[&str]| election(&[&given[..], more].concat()).unwrap().unwrap().identity;
        assert_eq!(identity(&["--pod-uid", "u1"]), "pod-1_u1");
        assert_ne!(identity(&[]), identity(&[]));
    }

    #[test]
    fn times_that_do_not_fit_are_refused_with_their_reason() {
        let given = ["--leader-elect", "--leader-elect-resource-namespace", "wazo"];
        let with = |more: &[&str]| election(&[&given[..], more].concat()).unwrap_err();
        assert!(with(&["--leader-elect-renew-deadline", "15s"]).contains("longer than the renew deadline"));
        assert!(with(&["--leader-elect-retry-period", "10s"]).contains("longer than the retry period"));
        assert!(with(&["--leader-elect-lease-duration", "500ms"]).contains("whole seconds"));
        assert!(with(&["--leader-elect-lease-duration", "soon"]).contains("not a duration"));
        assert!(
            election(&["--leader-elect"])
                .unwrap_err()
                .contains("POD_NAMESPACE")
        );
    }

    #[test]
    fn durations_are_written_as_in_kubernetes() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(duration("-1s").is_err());
        assert!(duration("15").is_err());
    }
}
