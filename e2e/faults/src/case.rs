//! A case: what is broken, what the truth is then, and how it is mended.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stage::Stage;
use crate::trouble::Result;

/// A step of a case on its stage.
pub(crate) type Step = Arc<dyn for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result> + Send + Sync>;
/// A step that makes a merge patch (RFC 7386) of the WazoPlugin.
pub(crate) type PatchStep = Arc<dyn for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result<Value>> + Send + Sync>;

/// What a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// One part is broken.
    Single,
    /// Two parts that have nothing to do with each other are broken at once.
    Pair,
    /// Nothing is wrong, and much goes on.
    Control,
}

/// Where a case is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A row of the tables of signals that the rules were written from.
    Table,
    /// Not in any of them.
    Outside,
}

/// Whether the plugin worked before the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Contact {
    /// Never: the fault is there from the start.
    First,
    /// It was Ready.
    RunTime,
}

/// What was broken, in the words of a verdict.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// The party whose part it is; the others, if any, are right as well, since no observation tells them apart.
    pub(crate) parties: Vec<String>,
    /// The layers that name the part; empty: not judged.
    pub(crate) layers: Vec<String>,
    /// The reasons that name the fault; empty: not judged.
    pub(crate) reasons: Vec<String>,
}

impl Truth {
    pub(crate) fn new(parties: &[&str], layers: &[&str], reasons: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Self {
            parties: owned(parties),
            layers: owned(layers),
            reasons: owned(reasons),
        }
    }

    pub(crate) fn party(&self) -> &str {
        self.parties.first().map_or("", String::as_str)
    }
}

/// When the part that was broken first showed it to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Signal {
    /// As soon as it was broken.
    Injection,
    /// In the first version of an object of this kind in the namespace that holds this text.
    Object(&'static str, &'static str),
    /// In the first request to the core that did not go well.
    Core,
    /// In the first TLS handshake with the core that its client broke off.
    Handshake,
    /// In the first request for a manifest that came to the plugin's process.
    Panel,
    /// In the first look at the public address that failed, as the operator recorded it: what is only to be seen by
    /// looking, at no process that counts its visitors.
    Look,
}

/// One part that is broken and mended.
#[derive(Clone, Default)]
pub(crate) struct Act {
    /// Changes the WazoPlugin; mended by applying it as it was.
    pub(crate) patch: Option<PatchStep>,
    pub(crate) inject: Option<Step>,
    pub(crate) heal: Option<Step>,
}

/// A case.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    pub(crate) contact: Contact,
    /// Whether one signal decides it alone.
    pub(crate) decisive: bool,
    /// Seconds that may pass by right before anything is said: budgets, intervals of probes, confirmation.
    pub(crate) window: u64,
    /// One for a single fault, two for a pair (the one to be named first in front), none for a control.
    pub(crate) truth: Vec<Truth>,
    /// Of a pair: either may be named first.
    pub(crate) either_first: bool,
    /// Of a pair: the second is explained by the first, or cannot be seen behind it, and need not be named.
    pub(crate) masked: bool,
    /// Why no observation tells the parties apart; such a case is played, and not counted.
    pub(crate) undecidable: Option<&'static str>,
    pub(crate) signal: Signal,
    /// The WazoPlugin of the case, where it differs from the usual one.
    pub(crate) base: Option<PatchStep>,
    pub(crate) prepare: Option<Step>,
    pub(crate) acts: Vec<Act>,
    /// It breaks what others use.
    pub(crate) exclusive: bool,
    /// Seconds until it must be well again after it was mended.
    pub(crate) clear_within: u64,
}

/// Makes a step of a closure.
pub(crate) fn step(of: impl for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result> + Send + Sync + 'static) -> Step {
    Arc::new(of)
}

/// Makes a step that makes a patch.
pub(crate) fn patch_step(
    of: impl for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result<Value>> + Send + Sync + 'static,
) -> PatchStep {
    Arc::new(of)
}

/// A fixed patch.
pub(crate) fn fixed(patch: Value) -> PatchStep {
    patch_step(move |_| {
        let patch = patch.clone();
        Box::pin(async move { Ok(patch) })
    })
}

impl Act {
    /// Something is done and undone.
    pub(crate) fn doing(inject: Step, heal: Step) -> Self {
        Self {
            patch: None,
            inject: Some(inject),
            heal: Some(heal),
        }
    }

    /// A merge patch of the WazoPlugin.
    pub(crate) fn patch(patch: PatchStep) -> Self {
        Self {
            patch: Some(patch),
            ..Self::default()
        }
    }
}

impl Case {
    fn blank(name: &'static str, group: &'static str, kind: Kind, contact: Contact) -> Self {
        Self {
            name,
            group,
            kind,
            origin: Origin::Table,
            contact,
            decisive: false,
            window: 15,
            truth: Vec::new(),
            either_first: false,
            masked: false,
            undecidable: None,
            signal: Signal::Injection,
            base: None,
            prepare: None,
            acts: Vec::new(),
            exclusive: false,
            clear_within: 90,
        }
    }

    /// A fault that is there from the start.
    pub(crate) fn first(name: &'static str, group: &'static str, act: Act) -> Self {
        let mut case = Self::blank(name, group, Kind::Single, Contact::First);
        case.acts.push(act);
        case
    }

    /// A fault of something that worked.
    pub(crate) fn later(name: &'static str, group: &'static str, act: Act) -> Self {
        let mut case = Self::blank(name, group, Kind::Single, Contact::RunTime);
        case.acts.push(act);
        case
    }

    /// Two faults of something that worked.
    pub(crate) fn pair(name: &'static str, first: Act, second: Act) -> Self {
        let mut case = Self::blank(name, "pairs", Kind::Pair, Contact::RunTime);
        case.acts.extend([first, second]);
        case
    }

    /// Nothing wrong; `seconds`: how long is watched after it was done.
    pub(crate) fn control(name: &'static str, seconds: u64, act: Act) -> Self {
        let mut case = Self::blank(name, "controls", Kind::Control, Contact::RunTime);
        case.window = seconds;
        case.acts.push(act);
        case
    }

    pub(crate) fn truth(mut self, parties: &[&str], layers: &[&str], reasons: &[&str]) -> Self {
        self.truth.push(Truth::new(parties, layers, reasons));
        self
    }

    pub(crate) fn decisive(mut self) -> Self {
        self.decisive = true;
        self
    }

    pub(crate) fn outside(mut self) -> Self {
        self.origin = Origin::Outside;
        self
    }

    pub(crate) fn window(mut self, seconds: u64) -> Self {
        self.window = seconds;
        self
    }

    pub(crate) fn signal(mut self, signal: Signal) -> Self {
        self.signal = signal;
        self
    }

    pub(crate) fn base(mut self, patch: PatchStep) -> Self {
        self.base = Some(patch);
        self
    }

    pub(crate) fn prepared(mut self, prepare: Step) -> Self {
        self.prepare = Some(prepare);
        self
    }

    pub(crate) fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    pub(crate) fn with_first_contact(mut self) -> Self {
        self.contact = Contact::First;
        self
    }

    pub(crate) fn either_first(mut self) -> Self {
        self.either_first = true;
        self
    }

    pub(crate) fn masked(mut self) -> Self {
        self.masked = true;
        self
    }

    pub(crate) fn undecidable(mut self, why: &'static str) -> Self {
        self.undecidable = Some(why);
        self
    }

    pub(crate) fn clear_within(mut self, seconds: u64) -> Self {
        self.clear_within = seconds;
        self
    }

    /// Whether the case is kept apart while rules are written: a fixed third, by its name alone.
    pub(crate) fn is_held_out(&self) -> bool {
        held_out(self.name)
    }
}

/// A third of all names: FNV-1a of 64 bits, modulo three. It must never change: what was kept apart stays so.
pub(crate) fn held_out(name: &str) -> bool {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = name
        .bytes()
        .fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    // The low bits of this hash follow those of the last letters: the high ones are better mixed.
    (hash >> 32).is_multiple_of(3)
}

/// A JSON merge patch (RFC 7386).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            if let Some(target) = target.as_object_mut() {
                target.shift_remove(name);
            }
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}
