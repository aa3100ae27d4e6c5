//! What a whole probe saw: all its looks.

use super::control::ControlFact;
use super::fact::ManifestSummary;
use super::look::{Look, ReadinessLook};
use crate::certificate::Validity;

/// What a whole probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Of a manifest.
    Manifest {
        revision: String,
        /// From where it is verified.
        front: Look,
        pod: Option<Look>,
        /// What stands between the two.
        control: ControlFact,
        summary: Option<ManifestSummary>,
        /// When the public host's certificate is valid.
        validity: Option<Validity>,
    },
    /// Of pods that are not ready.
    Readiness(ReadinessLook),
}

impl Sight {
    /// Whether trust grows by it. Pods that are not ready are asked at the quick pace whatever they answer.
    pub(super) const fn is_good(&self) -> bool {
        match self {
            Self::Manifest { front, .. } => front.is_good(),
            Self::Readiness(_) => false,
        }
    }

    /// With the certificate that was seen before, where no connection came so far as to show one.
    pub(super) fn after(mut self, before: Option<&Self>) -> Self {
        if let (Self::Manifest { validity, .. }, Some(Self::Manifest { validity: known, .. })) =
            (&mut self, before)
        {
            *validity = validity.or(*known);
        }
        self
    }

    /// Whether it shows the same as another, were it for another revision.
    pub(super) fn shows_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Manifest { front, pod, .. },
                Self::Manifest {
                    front: other_front,
                    pod: other_pod,
                    ..
                },
            ) => front == other_front && pod == other_pod,
            (Self::Readiness(look), Self::Readiness(other)) => look == other,
            _ => false,
        }
    }
}

/// What several pods show together, beside what the front shows. A pod that shows the very error of the
/// front explains it; else one good pod shows that the plugin can do it.
pub(super) fn of_pods(looks: Vec<Look>, front: &Look) -> Option<Look> {
    let same = looks.iter().position(|look| look == front);
    let good = || looks.iter().position(Look::is_good);
    let chosen = same
        .or_else(good)
        .or(if looks.is_empty() { None } else { Some(0) })?;
    looks.into_iter().nth(chosen)
}

#[cfg(test)]
mod tests {
    use super::{Look, Sight, of_pods};
    use crate::certificate::Validity;
    use crate::probe::LookError;

    #[test]
    fn a_certificate_stays_known_while_nothing_is_presented() {
        let known = Validity {
            not_before: jiff::Timestamp::UNIX_EPOCH,
            not_after: jiff::Timestamp::MAX,
        };
        let sight = |validity| Sight::Manifest {
            revision: String::new(),
            front: Look::Bad(LookError::Refused),
            pod: None,
            control: super::ControlFact::default(),
            summary: None,
            validity,
        };
        assert_eq!(sight(None).after(Some(&sight(Some(known)))), sight(Some(known)));
        let renewed = Validity {
            not_after: jiff::Timestamp::UNIX_EPOCH,
            ..known
        };
        assert_eq!(
            sight(Some(renewed)).after(Some(&sight(Some(known)))),
            sight(Some(renewed))
        );
        assert_eq!(sight(None).after(None), sight(None));
    }

    #[test]
    fn the_pod_that_explains_the_public_error_comes_first_then_a_good_one() {
        let good = || Look::Good { warnings: Vec::new() };
        let missing = || Look::Bad(LookError::NotFound);
        let refused = || Look::Bad(LookError::Refused);
        assert_eq!(
            of_pods(vec![refused(), good(), missing()], &missing()),
            Some(missing())
        );
        assert_eq!(of_pods(vec![refused(), good()], &missing()), Some(good()));
        assert_eq!(of_pods(vec![refused()], &missing()), Some(refused()));
        assert_eq!(of_pods(vec![], &missing()), None);
    }
}
