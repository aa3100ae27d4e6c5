//! What many healthy plugins cost: the operator's CPU, memory, looks and requests, minute by minute after all are ready.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use kube::api::ListParams;
use serde_json::json;
use wazo_e2e_node::{OPERATOR, fetch};

use crate::ground::Ground;
use crate::stage::{PLUGIN, Stage};
use crate::trouble::{Result, Trouble};

/// How long they may take to become ready, all together.
const PATIENCE: Duration = Duration::from_secs(900);
/// The kernel counts a process's CPU time in these (`USER_HZ`, proc_pid_stat(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// What is counted, by name, and the counters of the operator that are summed for it.
const COUNTED: [(&str, &str); 4] = [
    ("probes", "wazo_plugin_probe_total"),
    ("core requests", "wazo_core_requests_total"),
    ("API requests", "wazo_plugin_operator_kube_requests_total"),
    ("passes", "wazo_plugin_operator_reconcile_total"),
];

/// The operator at one moment.
struct Reading {
    at: Instant,
    cpu_seconds: f64,
    resident_mib: f64,
    counters: BTreeMap<&'static str, f64>,
}

/// Makes as many plugins as wished that lead to one Service, waits until all are ready, and prints what the operator does
/// in each minute after that.
pub(crate) async fn load(ground: &Arc<Ground>, plugins: usize, minutes: usize) -> Result {
    let stage = Stage::new(Arc::clone(ground)).await?;
    let measured = measure(&stage, plugins, minutes).await;
    stage.end().await;
    measured
}

async fn measure(stage: &Stage, plugins: usize, minutes: usize) -> Result {
    stage.connect().await?;
    stage.apply_plugin(&[]).await?;
    stage.well(Duration::from_secs(120)).await?;
    let before = read(stage).await?;
    println!("applying {plugins} plugins that lead to one Service");
    let began = Instant::now();
    for number in 0..plugins {
        stage.apply(&plugin(stage, number)).await?;
    }
    let mut ready = 0;
    while ready < plugins {
        if began.elapsed() > PATIENCE {
            return Err(Trouble::new(format!(
                "{ready} of {plugins} are ready after {PATIENCE:?}"
            )));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = count_ready(stage).await?;
        if now / 100 != ready / 100 {
            println!("  {now} are ready after {:.0} s", began.elapsed().as_secs_f64());
        }
        ready = now;
    }
    let mut last = read(stage).await?;
    println!(
        "\nall of them ready after {:.0} s, {:.1} s of CPU\n",
        (last.at - began).as_secs_f64(),
        last.cpu_seconds - before.cpu_seconds
    );
    let names: Vec<&str> = COUNTED.iter().map(|(name, _)| *name).collect();
    println!(
        "| minute | CPU, % of a core | memory, MiB | {} |",
        names.join(" | ")
    );
    println!("|--:|--:|--:|{}", "--:|".repeat(names.len()));
    for minute in 1..=minutes {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let now = read(stage).await?;
        println!("{}", row(minute, &last, &now));
        last = now;
    }
    Ok(())
}

fn plugin(stage: &Stage, number: usize) -> serde_json::Value {
    let mut plugin = stage.plugin();
    plugin["metadata"]["name"] = json!(format!("load-{number}"));
    let host = format!("load-{number}-{}.plugins.test", stage.namespace);
    plugin["spec"]["expose"]["host"] = json!(host);
    if let Some(spec) = plugin["spec"].as_object_mut() {
        spec.shift_remove("workload");
    }
    plugin["spec"]["serviceRef"] = json!({"name": PLUGIN, "port": 80});
    plugin
}

async fn count_ready(stage: &Stage) -> Result<usize> {
    let plugins = stage.api("plugins.wazo.io/v1alpha1", "WazoPlugin");
    let list = plugins.list(&ListParams::default()).await?;
    let ready = list.iter().filter(|plugin| {
        let conditions = plugin.data["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        plugin.metadata.name.as_deref() != Some(PLUGIN)
            && conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    Ok(ready.count())
}

fn row(minute: usize, before: &Reading, now: &Reading) -> String {
    let seconds = (now.at - before.at).as_secs_f64();
    let cpu = (now.cpu_seconds - before.cpu_seconds) / seconds * 100.0;
    let mut text = format!("| {minute} | {cpu:.1} | {:.0} |", now.resident_mib);
    for (name, _) in COUNTED {
        let counted = now.counters[name] - before.counters[name];
        text.push_str(&format!(" {counted:.0} |"));
    }
    text
}

async fn read(stage: &Stage) -> Result<Reading> {
    let process = process()?;
    let stat = std::fs::read_to_string(process.join("stat"))?;
    let status = std::fs::read_to_string(process.join("status"))?;
    let metrics = metrics(stage).await?;
    let counters = COUNTED.map(|(name, series)| (name, sum(&metrics, series)));
    Ok(Reading {
        at: Instant::now(),
        cpu_seconds: cpu_seconds(&stat).ok_or_else(|| Trouble::new("no CPU time in the process's stat"))?,
        resident_mib: resident_mib(&status)
            .ok_or_else(|| Trouble::new("no VmRSS in the process's status"))?,
        counters: counters.into(),
    })
}

/// The operator's process as the node sees it.
fn process() -> Result<std::path::PathBuf> {
    let processes = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
    // The kernel keeps fifteen characters of a program's name.
    let is_operator = |path: &std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm"));
        let cgroup = std::fs::read_to_string(path.join("cgroup"));
        name.is_ok_and(|name| OPERATOR.starts_with(name.trim()) && !name.trim().is_empty())
            && cgroup.is_ok_and(|cgroup| cgroup.contains("kubepods"))
    };
    let mut found = processes.filter(is_operator);
    found
        .next()
        .ok_or_else(|| Trouble::new("no process of the operator on this node"))
}

/// Fields 14 and 15 of `/proc/PID/stat`, counted behind the name, which may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(") ")?;
    let mut fields = behind.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

async fn metrics(stage: &Stage) -> Result<String> {
    let pods =
        kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(stage.ground.client.clone(), OPERATOR);
    let pods = pods.list(&ListParams::default()).await?;
    let address = pods.items.iter().find_map(|pod| {
        let address = pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
        let mut ports = pod
            .spec
            .as_ref()?
            .containers
            .iter()
            .flat_map(|container| container.ports.iter().flatten());
        let port = ports
            .find(|port| port.name.as_deref() == Some("http"))?
            .container_port;
        Some(SocketAddr::new(address, u16::try_from(port).ok()?))
    });
    let address = address.ok_or_else(|| Trouble::new("no pod of the operator has an address"))?;
    let request = Request::get(format!("http://{address}/metrics")).body(String::new())?;
    let answer = fetch(request, address, "").await?;
    Ok(answer.body)
}

/// The sum of all series of a counter.
fn sum(metrics: &str, name: &str) -> f64 {
    let of_it = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
    };
    let value = |line: &str| line.rsplit_once(' ')?.1.parse::<f64>().ok();
    metrics.lines().filter(of_it).filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let stat = "17 (a (b) c) S 1 17 17 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_mib("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2.0));
    }

    #[test]
    fn the_series_of_one_counter_are_summed() {
        let metrics = "# HELP a_total x\na_total{b=\"c d\"} 2\na_total{b=\"e\"} 3\na_total_other 9\n";
        assert_eq!(sum(metrics, "a_total"), 5.0);
    }
}
