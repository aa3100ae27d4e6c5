//! The daemons of a stack.

use serde::{Deserialize, Serialize};

/// A daemon of the core. The operator works with the first two; the others are looked at where the account of a plugin
/// may use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Daemon {
    /// wazo-auth 0.1.
    Auth,
    /// wazo-confd 1.1.
    Confd,
    /// wazo-calld 1.0.
    Calld,
    /// wazo-dird 0.1.
    Dird,
    /// wazo-webhookd 1.0.
    Webhookd,
    /// wazo-chatd 1.0.
    Chatd,
    /// wazo-call-logd 1.0.
    CallLogd,
    /// wazo-agentd 1.0.
    Agentd,
    /// wazo-amid 1.0.
    Amid,
    /// wazo-plugind 0.2.
    Plugind,
    /// wazo-provd 0.2.
    Provd,
    /// wazo-setupd 1.0.
    Setupd,
}

impl Daemon {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Auth,
        Self::Confd,
        Self::Calld,
        Self::Dird,
        Self::Webhookd,
        Self::Chatd,
        Self::CallLogd,
        Self::Agentd,
        Self::Amid,
        Self::Plugind,
        Self::Provd,
        Self::Setupd,
    ];

    /// The name as in `/api/<name>/<version>`, in rights and in `WazoCore.status.services`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Confd => "confd",
            Self::Calld => "calld",
            Self::Dird => "dird",
            Self::Webhookd => "webhookd",
            Self::Chatd => "chatd",
            Self::CallLogd => "call-logd",
            Self::Agentd => "agentd",
            Self::Amid => "amid",
            Self::Plugind => "plugind",
            Self::Provd => "provd",
            Self::Setupd => "setupd",
        }
    }

    /// The path prefix below the stack's URL, with the version of the API.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Auth => "/api/auth/0.1",
            Self::Confd => "/api/confd/1.1",
            Self::Calld => "/api/calld/1.0",
            Self::Dird => "/api/dird/0.1",
            Self::Webhookd => "/api/webhookd/1.0",
            Self::Chatd => "/api/chatd/1.0",
            Self::CallLogd => "/api/call-logd/1.0",
            Self::Agentd => "/api/agentd/1.0",
            Self::Amid => "/api/amid/1.0",
            Self::Plugind => "/api/plugind/0.2",
            Self::Provd => "/api/provd/0.2",
            Self::Setupd => "/api/setupd/1.0",
        }
    }

    /// Whether the operator itself needs it for what it does; the others are only looked at.
    #[must_use]
    pub const fn is_main(self) -> bool {
        matches!(self, Self::Auth | Self::Confd)
    }

    /// The daemon that a right is of: what stands before its first dot, a `!` before it aside. `None`: a right of all,
    /// or of what is no daemon with an HTTP API (`websocketd`, `events`).
    #[must_use]
    pub fn of_right(right: &str) -> Option<Self> {
        let name = right.trim_start_matches('!').split('.').next()?;
        Self::ALL.into_iter().find(|daemon| daemon.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Daemon;

    #[test]
    fn a_right_names_its_daemon() {
        for (right, daemon) in [
            ("confd.users.read", Some(Daemon::Confd)),
            ("call-logd.cdr.read", Some(Daemon::CallLogd)),
            ("!calld.#", Some(Daemon::Calld)),
            ("events.calls.*", None),
            ("websocketd", None),
            ("#", None),
        ] {
            assert_eq!(Daemon::of_right(right), daemon, "{right}");
        }
    }
}
