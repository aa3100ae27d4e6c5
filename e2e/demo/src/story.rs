//! The story, act by act.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::Request;
use serde_json::Value;
use wazo_e2e_node::{Cluster, OPERATOR, Up};

use crate::core::{ACCOUNT, Core, PORT, send};
use crate::error::DemoError;
use crate::memory::operator_rss;
use crate::report;
use crate::stage::Stage;
use crate::watch::until;

/// The namespace of the partner.
pub(crate) const NAMESPACE: &str = "acme";
const CHART: &str = "charts/wazo-plugin-operator";
const CORE: &str = "e2e/demo/core.yaml";
const CRM_PANEL: &str = "e2e/plugins/examples/crm-panel.yaml";
const TEAM_BOARD: &str = "e2e/plugins/examples/team-board.yaml";
const IMAGES: [&str; 3] = ["operator", "panel-1.0.0", "panel-1.1.0"];
/// The web application from which a user's browser fetches manifests.
const ORIGIN: &str = "https://app.wazo.example";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The fields of a fault that matter most, one line each.
const FAULT: &str = "go-template-file=e2e/demo/fault.gotemplate";
/// The next version of the example plugin, told to crash.
const CRASH: &str = r#"[{"op":"replace","path":"/spec/workload/image","value":"registry.wazo.test/panel:1.1.0"},{"op":"add","path":"/spec/workload/env/-","value":{"name":"PANEL_MISBEHAVE","value":"{\"crash\":{\"exitCode\":3}}"}}]"#;

/// Plays it from the first act to the last. What was started ends with it, unless `DEMO_KEEP` is set.
pub(crate) fn play(stage: &Stage) -> Result<(), DemoError> {
    let keep = std::env::var_os("DEMO_KEEP").is_some_and(|value| !value.is_empty() && value != "0");
    stage.act("A real Kubernetes on this machine");
    let cluster = Cluster::up(&Up {
        allow_ports: vec![PORT],
        images: IMAGES.to_vec(),
        keep,
        log: None,
    })?;
    let mut core = None;
    let outcome = acts(stage, &cluster, &mut core);
    if outcome.is_err() {
        report::failure(stage, &cluster, core.as_ref());
    }
    if keep {
        if let Some(core) = core {
            core.keep();
        }
        stage.act("Yours to play with");
        stage.say("The cluster and the simulated core stay up:");
        stage.quote(&format!(
            "export KUBECONFIG={} PATH={}:$PATH\nkubectl get wazoplugins --all-namespaces\nmake down",
            cluster.kubeconfig().display(),
            cluster.programs().display()
        ));
    } else {
        drop(core);
        cluster.down();
    }
    if outcome.is_ok() {
        println!("\nThe demo took {:.0} s.", stage.elapsed().as_secs_f64());
    }
    outcome
}

fn acts(stage: &Stage, cluster: &Cluster, core: &mut Option<Core>) -> Result<(), DemoError> {
    stage.run(cluster.kubectl().args(["get", "nodes"]))?;
    install(stage, cluster)?;
    let core = core.insert(connect(stage, cluster)?);
    let ready = apply(stage, cluster)?;
    visit(stage, cluster, core)?;
    core_goes_away(stage, cluster, core)?;
    plugin_breaks(stage, cluster)?;
    farewell(stage, cluster, core)?;
    figures(stage, cluster, ready);
    Ok(())
}

fn install(stage: &Stage, cluster: &Cluster) -> Result<(), DemoError> {
    stage.act("The operator, from its chart");
    stage.wait_for(cluster.helm().args(cluster.install(CHART)))?;
    stage.run(cluster.kubectl().args(["-n", OPERATOR, "get", "pods"]))?;
    Ok(())
}

fn connect(stage: &Stage, cluster: &Cluster) -> Result<Core, DemoError> {
    stage.act("A Wazo core, simulated, beside the cluster");
    let core = Core::start(cluster.address(), &directory())?;
    stage.say(&format!(
        "it listens at {}; WazoCore \"production\" connects to it",
        cluster.core_url(PORT)
    ));
    stage.run(cluster.kubectl().args(["create", "namespace", NAMESPACE]))?;
    let mut secret = acme(cluster, &["create", "secret", "generic", "wazo-production"]);
    secret.arg("--type=plugins.wazo.io/core-credentials");
    secret.arg(format!("--from-literal=username={}", ACCOUNT[0]));
    secret.arg(format!("--from-literal=password={}", ACCOUNT[1]));
    stage.run(&mut secret)?;
    let mut authority = acme(cluster, &["create", "configmap", "wazo-ca"]);
    authority.arg(format!("--from-file=ca.crt={}", core.ca().display()));
    stage.run(&mut authority)?;
    stage.run(&mut acme(cluster, &["apply", "-f", CORE]))?;
    stage.wait_for(&mut acme(
        cluster,
        &[
            "wait",
            "--for=condition=Ready",
            "wazocore/production",
            "--timeout=60s",
        ],
    ))?;
    stage.run(&mut acme(cluster, &["get", "wazocores"]))?;
    Ok(core)
}

fn apply(stage: &Stage, cluster: &Cluster) -> Result<Duration, DemoError> {
    stage.act("Two plugins");
    let applied = Instant::now();
    stage.run(&mut acme(cluster, &["apply", "-f", CRM_PANEL, "-f", TEAM_BOARD]))?;
    stage.wait_for(&mut acme(
        cluster,
        &[
            "wait",
            "--for=condition=Ready",
            "wazoplugins",
            "--all",
            "--timeout=120s",
        ],
    ))?;
    let ready = applied.elapsed();
    stage.run(&mut acme(cluster, &["get", "wazoplugins"]))?;
    stage.run(&mut acme(cluster, &["get", "pods,services,httproutes"]))?;
    stage.say(&format!(
        "both Ready {:.1} s after they were applied",
        ready.as_secs_f64()
    ));
    Ok(ready)
}

fn visit(stage: &Stage, cluster: &Cluster, core: &Core) -> Result<(), DemoError> {
    stage.act("What a user's browser gets through the gateway, and what the core knows");
    for url in [
        "https://crm.plugins.test/manifest.json",
        "https://board.plugins.test/manifest.app.json",
        "https://board.plugins.test/manifest.mobile.json",
    ] {
        browse(stage, cluster, url)?;
    }
    stage.say("the core's external applications:");
    stage.quote(&core.registered()?);
    Ok(())
}

fn core_goes_away(stage: &Stage, cluster: &Cluster, core: &Core) -> Result<(), DemoError> {
    stage.act("The core goes away");
    core.take_away()?;
    stage.say("Nothing listens at its address any more. The operator looks at least every 30 seconds.");
    for plugin in ["crm-panel", "team-board"] {
        wait(stage, cluster, plugin, "shows a fault of Core", |status| {
            status["fault"]["party"] == "Core"
        })?;
    }
    stage.run(&mut acme(cluster, &["get", "wazocores,wazoplugins"]))?;
    blame(stage, cluster, "crm-panel")?;
    stage.say(
        "The plugins do their work and stay Ready: the fault is the core's, and it does not block them.",
    );

    stage.act("The core comes back");
    core.bring_back()?;
    stage.wait_for(&mut acme(
        cluster,
        &[
            "wait",
            "--for=condition=Ready",
            "wazocore/production",
            "--timeout=120s",
        ],
    ))?;
    for plugin in ["crm-panel", "team-board"] {
        wait(stage, cluster, plugin, "has no fault", is_well)?;
    }
    stage.run(&mut acme(cluster, &["get", "wazocores,wazoplugins"]))?;
    Ok(())
}

fn plugin_breaks(stage: &Stage, cluster: &Cluster) -> Result<(), DemoError> {
    stage.act("A plugin breaks: its next version crashes at start");
    stage.run(&mut acme(
        cluster,
        &[
            "patch",
            "wazoplugin",
            "crm-panel",
            "--type=json",
            "--patch",
            CRASH,
        ],
    ))?;
    wait(
        stage,
        cluster,
        "crm-panel",
        "shows a fault of Partner",
        |status| status["fault"]["party"] == "Partner",
    )?;
    stage.run(&mut acme(cluster, &["get", "wazocores,wazoplugins,pods"]))?;
    blame(stage, cluster, "crm-panel")?;
    stage.say("The version before still serves; the other plugin and the core have nothing to do with it.");

    stage.act("The partner applies what worked");
    stage.run(&mut acme(cluster, &["apply", "-f", CRM_PANEL]))?;
    wait(stage, cluster, "crm-panel", "is Ready without a fault", is_well)?;
    stage.run(&mut acme(cluster, &["get", "wazocores,wazoplugins"]))?;
    Ok(())
}

fn farewell(stage: &Stage, cluster: &Cluster, core: &Core) -> Result<(), DemoError> {
    stage.act("A plugin is deleted, and the core forgets it");
    stage.wait_for(&mut acme(
        cluster,
        &["delete", "wazoplugin", "crm-panel", "--timeout=60s"],
    ))?;
    stage.quote(&core.registered()?);
    Ok(())
}

fn figures(stage: &Stage, cluster: &Cluster, ready: Duration) {
    stage.act("Figures");
    if let Some(seconds) = cluster.seconds() {
        stage.say(&format!("from nothing to a Ready node   {seconds:.1} s"));
    }
    stage.say(&format!(
        "two plugins, apply to Ready    {:.1} s",
        ready.as_secs_f64()
    ));
    if let Some(kib) = operator_rss() {
        stage.say(&format!(
            "the operator's memory (RSS)    {:.1} MiB",
            kib as f64 / 1024.0
        ));
    }
    let images = std::env::var_os(wazo_e2e_node::IMAGES_VARIABLE).unwrap_or_default();
    for name in &IMAGES[..2] {
        if let Ok(file) = std::fs::metadata(Path::new(&images).join(format!("{name}.tar"))) {
            let size = file.len() as f64 / 1e6;
            stage.say(&format!("{:<30} {size:.1} MB", format!("image {name}")));
        }
    }
}

/// kubectl in the partner's namespace.
fn acme(cluster: &Cluster, arguments: &[&str]) -> std::process::Command {
    let mut command = cluster.kubectl();
    command.args(["-n", NAMESPACE]).args(arguments);
    command
}

/// Nothing is wrong with it, and it is Ready as it is asked for now.
fn is_well(status: &Value) -> bool {
    let conditions = status["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && status["fault"].is_null()
}

/// Watches a plugin until its status, of the spec as it is now, is as wanted.
fn wait(
    stage: &Stage,
    cluster: &Cluster,
    plugin: &str,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Result<(), DemoError> {
    let what = format!("{plugin} {what}");
    let _clock = stage.clock(&format!("until {what}"));
    let mut command = acme(cluster, &["get", "wazoplugin", plugin]);
    until(&mut command, &what, PATIENCE, |object| {
        let status = &object["status"];
        status["observedGeneration"] == object["metadata"]["generation"] && wanted(status)
    })
    .map(drop)
}

/// Whose fault it is, why, and what to do about it.
fn blame(stage: &Stage, cluster: &Cluster, plugin: &str) -> Result<(), DemoError> {
    stage.run(&mut acme(cluster, &["get", "wazoplugin", plugin, "-o", FAULT]))?;
    Ok(())
}

/// Fetches a manifest as a browser would and shows what matters of the answer.
fn browse(stage: &Stage, cluster: &Cluster, url: &str) -> Result<(), DemoError> {
    let request = Request::get(url)
        .header("origin", ORIGIN)
        .body(String::new())
        .map_err(|error| DemoError::Text {
            what: url.to_owned(),
            reason: error.to_string(),
        })?;
    let authority = std::fs::read_to_string(cluster.gateway_ca()).map_err(|source| DemoError::Machine {
        what: cluster.gateway_ca().display().to_string(),
        source,
    })?;
    let answer = send(request, SocketAddr::new(cluster.gateway(), 443), &authority)?;
    let manifest: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if answer.status != 200 || manifest.is_null() {
        return Err(DemoError::Answer {
            what: format!("GET {url}"),
            status: answer.status,
            body: answer.body,
        });
    }
    stage.quote(&format!(
        "GET {url}\n    {} {}, access-control-allow-origin: {}, name {}, version {}",
        answer.status,
        answer.header("content-type"),
        answer.header("access-control-allow-origin"),
        manifest["name"]["short"],
        manifest["version"]
    ));
    Ok(())
}

/// Where the simulated core keeps its log; `make down` looks there.
fn directory() -> PathBuf {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable("WAZO_E2E_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("wazo-plugin-operator")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/wazo-plugin-operator")))
        .unwrap_or_else(std::env::temp_dir)
        .join("demo")
}
