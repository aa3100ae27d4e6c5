//! The node's way to the image: registries that are away, refuse, limit or are not trusted. Each case has a registry name of
//! its own.

use serde_json::json;

use crate::case::{Act, Case, PatchStep, Signal, patch_step, step};

const GROUP: &str = "image";
const PULL: &[&str] = &["Image"];

/// A plugin whose image is to be had from the case's own registry name.
fn from_own_registry() -> PatchStep {
    patch_step(|stage| {
        Box::pin(async move {
            let image = format!("{}/variants:base", stage.own_registry());
            Ok(json!({"spec": {"workload": {"image": image}}}))
        })
    })
}

/// The registry name leads to the real one again; a new pod is pulled for at once.
fn home() -> crate::case::Step {
    step(|stage| {
        Box::pin(async move {
            stage.ground.registry.lead_home(&stage.own_registry())?;
            stage.delete_pods().await
        })
    })
}

fn leads_to(url: impl Fn(&crate::stage::Stage) -> String + Send + Sync + 'static) -> Act {
    Act::doing(
        step(move |stage| {
            let url = url(stage);
            Box::pin(async move { stage.ground.registry.lead(&stage.own_registry(), &url) })
        }),
        home(),
    )
}

/// A registry that answers one thing.
fn answers(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> Act {
    Act::doing(
        step(move |stage| {
            Box::pin(async move {
                let registry = &stage.ground.registry;
                let impostor = registry.impostor(status, headers, body).await?;
                registry.lead(
                    &stage.own_registry(),
                    &format!("http://127.0.0.1:{}", impostor.port),
                )?;
                stage.keep(impostor);
                Ok(())
            })
        }),
        home(),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name, act| {
        Case::first(name, GROUP, act)
            .base(from_own_registry())
            .signal(Signal::Object("Pod", "ErrImagePull"))
    };
    let json = &[("content-type", "application/json")];
    vec![
        case("registry-refuses-connections", leads_to(|_| "http://127.0.0.1:1".to_owned())).truth(
            &["Cluster", "Dependency"],
            PULL,
            &["RegistryUnreachable"],
        ),
        case("registry-name-unknown", leads_to(|_| "http://registry.nowhere.invalid".to_owned())).truth(
            &["Cluster", "Dependency"],
            PULL,
            &["RegistryUnreachable"],
        ),
        case(
            "registry-throttles",
            answers(
                429,
                json,
                r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#,
            ),
        )
        .truth(&["Dependency"], PULL, &["RegistryThrottled"])
        .decisive(),
        case(
            "registry-wants-credentials",
            answers(
                401,
                &[("www-authenticate", "Basic realm=\"registry\"")],
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#,
            ),
        )
        .truth(&["Config"], &["Image", "References"], &["PullSecretRejected"]),
        case(
            "registry-denies",
            answers(
                403,
                json,
                r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#,
            ),
        )
        .truth(&["Config"], &["Image", "References"], &["PullSecretRejected"])
        .outside(),
        case(
            "registry-not-trusted",
            leads_to(|stage| format!("https://10.244.0.1:{}", stage.port)),
        )
        .truth(&["Cluster"], PULL, &["RegistryUntrusted"])
        .decisive(),
        case(
            "registry-answers-500",
            answers(500, json, r#"{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}"#),
        )
        .truth(&["Dependency", "Cluster"], PULL, &[])
        .outside(),
        case(
            "registry-is-a-page-of-a-proxy",
            answers(
                200,
                &[("content-type", "text/html")],
                "<!doctype html><title>Sign in</title><form>Sign in to use the Internet</form>",
            ),
        )
        .truth(&["Cluster", "Dependency"], PULL, &[])
        .outside(),
    ]
}
