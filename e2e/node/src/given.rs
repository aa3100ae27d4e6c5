//! A cluster that somebody else runs, such as kind. It is used only when it is named on purpose; the usual
//! `KUBECONFIG` is never looked at.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::{Cluster, programs};
use crate::error::{NodeError, run};

const KUBECONFIG: &str = "WAZO_E2E_KUBECONFIG";
const ADDRESS: &str = "WAZO_E2E_HOST_ADDRESS";
const GATEWAY_CA: &str = "WAZO_E2E_GATEWAY_CA";

/// The kubeconfig that was named, if one was.
pub(crate) fn kubeconfig() -> Option<PathBuf> {
    std::env::var_os(KUBECONFIG)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// The given cluster, with what must be known of it beside its kubeconfig.
pub(crate) fn cluster(kubeconfig: PathBuf, program: &Path) -> Result<Cluster, NodeError> {
    let programs = programs(program)?;
    let address = variable(ADDRESS, "give the address of this machine that pods reach")?;
    let gateway_ca = variable(
        GATEWAY_CA,
        "give the PEM file that signs the gateway's certificate",
    )?;
    let gateway = run(Command::new(programs.join("kubectl"))
        .env("KUBECONFIG", &kubeconfig)
        .args(["get", "gateway", "--namespace", "gateways", "public"])
        .args(["--output", "jsonpath={.status.addresses[0].value}"]))?;
    Ok(Cluster {
        address: parse(ADDRESS, &address)?,
        gateway: parse(
            "the address in the status of the Gateway gateways/public",
            &gateway,
        )?,
        gateway_ca: PathBuf::from(gateway_ca),
        kubeconfig,
        programs,
        seconds: None,
        supervisor: None,
    })
}

fn variable(name: &'static str, remedy: &'static str) -> Result<String, NodeError> {
    std::env::var(name).map_err(|_| NodeError::Variable { name, remedy })
}

fn parse(what: &str, text: &str) -> Result<IpAddr, NodeError> {
    text.parse().map_err(|_| NodeError::Unusable {
        what: what.to_owned(),
        reason: format!("{text:?} is no IP address"),
    })
}
