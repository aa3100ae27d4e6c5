//! The network between the cluster and the core.

use crate::case::{Act, Case, step};
use crate::firewall::Fate;

const GROUP: &str = "path";

/// A firewall between pods and the core.
pub(super) fn closed(fate: Fate) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { stage.ground.firewall.close(stage.port, fate) })),
        step(move |stage| Box::pin(async move { stage.ground.firewall.open(stage.port, fate) })),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let name = Act::doing(
        step(|stage| Box::pin(async move { stage.ground.dns.unknown(&stage.own_core()) })),
        step(|stage| Box::pin(async move { stage.ground.dns.mend(&stage.own_core()) })),
    );
    vec![
        Case::later("way-to-the-core-swallows-packets", GROUP, closed(Fate::Dropped))
            .truth(&["Path"], &["CoreTransport"], &["CorePathTimeout"])
            .window(50),
        Case::first("way-to-the-core-swallows-packets-from-the-start", GROUP, closed(Fate::Dropped))
            .truth(&["Path"], &["CoreTransport"], &["CorePathTimeout"])
            .window(30)
            .undecidable("the core never answered from here: a firewall, a wrong address and a core that is switched off look alike"),
        Case::later("firewall-resets-connections-to-the-core", GROUP, closed(Fate::Refused))
            .truth(&["Path"], &["CoreTransport"], &[])
            .outside()
            .window(35)
            .undecidable("a firewall that resets connections looks like a core on which nothing listens"),
        Case::later("name-of-the-core-disappears", GROUP, name)
            .prepared(step(|stage| {
                Box::pin(async move {
                    stage.own_core_name();
                    Ok(())
                })
            }))
            .truth(&["Cluster", "Core"], &["DNS"], &["CoreNameNotResolving"])
            .window(45),
    ]
}
