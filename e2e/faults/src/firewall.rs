//! The network between pods and this machine: ports that swallow packets, and ports that refuse.

use wazo_e2e_node::run;

use crate::ground::feed;
use crate::trouble::Result;

const TABLE: &str = "wazo-faults";
/// Before the guard of the cluster, so that what is taken away is away for open connections too.
const RULES: &str = "
table inet wazo-faults
delete table inet wazo-faults
table inet wazo-faults {
  set dropped { type inet_service; }
  set refused { type inet_service; }
  chain input {
    type filter hook input priority 0;
    iifname \"cni0\" tcp dport @dropped drop
    iifname \"cni0\" tcp dport @refused reject with tcp reset
  }
}
";

/// A table of rules of its own.
pub(crate) struct Firewall(());

/// What happens to packets for a port.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// They vanish.
    Dropped,
    /// They are answered with a reset.
    Refused,
}

impl Fate {
    const fn set(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Refused => "refused",
        }
    }
}

impl Firewall {
    pub(crate) fn new() -> Result<Self> {
        feed("nft", &["-f", "-"], RULES)?;
        Ok(Self(()))
    }

    /// Closes a port to all pods.
    pub(crate) fn close(&self, port: u16, fate: Fate) -> Result {
        let line = format!("add element inet {TABLE} {} {{ {port} }}", fate.set());
        feed("nft", &["-f", "-"], &line)
    }

    /// Opens it again.
    pub(crate) fn open(&self, port: u16, fate: Fate) -> Result {
        let line = format!("delete element inet {TABLE} {} {{ {port} }}", fate.set());
        feed("nft", &["-f", "-"], &line)
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        // The next run begins by deleting it.
        let _ = run(std::process::Command::new("nft").args(["delete", "table", "inet", TABLE]));
    }
}
