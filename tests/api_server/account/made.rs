//! The first account, its rights, and what stands in its way.

use serde_json::json;
use wazo_e2e::trial::Trial;
use wazo_simulated_core::{EffectKind, Fault};

use super::ground::{
    ASKED, is_allowed, log_in, plugin_with, policies, ready_account, secret, users, value, with_accounts,
};

#[test]
fn a_first_account_is_made_before_the_pods_that_mount_it() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let found = secret(trial, "crm-core").await.unwrap();
        assert_eq!(value(&found, "url"), trial.core().url());
        assert_eq!(value(&found, "tenant"), trial.core().tenant());
        assert_eq!(value(&found, "ca.crt"), trial.core().ca_pem());
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert!(
            mounts.contains(&json!({"name": "wazo-account", "mountPath": "/var/run/wazo", "readOnly": true})),
            "{mounts:?}"
        );
        let names: Vec<&str> = container["env"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|env| env["name"].as_str())
            .collect();
        assert_eq!(names, ["WAZO_URL", "WAZO_TENANT", "WAZO_CREDENTIALS_DIR"]);
        let login = log_in(trial, "crm").await.unwrap();
        assert_eq!(is_allowed(&login), [true, true, false]);
        assert_eq!(login.tenant().as_deref(), Some(trial.core().tenant()));
        let (users, policies) = (users(trial), policies(trial));
        assert_eq!((users.len(), policies.len()), (1, 1));
        assert_eq!(policies[0].acl, ASKED);
        let row = &trial.ready("crm").await.0["status"]["registrations"][1];
        assert_eq!(
            (&row["kind"], &row["state"], &row["current"]),
            (&json!("Account"), &json!("Registered"), &json!(1))
        );
    });
}

#[test]
fn a_secret_of_that_name_is_never_adopted() {
    with_accounts(async |trial: &mut Trial| {
        let theirs = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "crm-core"}, "stringData": {"mine": "yes"},
        });
        trial.apply(&theirs).await;
        let before = secret(trial, "crm-core").await.unwrap();
        trial.panel("crm").await;
        trial.apply(&plugin_with("crm", json!({"acl": ASKED}))).await;
        let seen = trial.fault("crm", "Config", "NameTaken").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.registrations.account.secretName"
        );
        assert!(
            trial.get("apps/v1", "Deployment", "crm").await.is_none(),
            "no pod mounts it"
        );
        assert_eq!(secret(trial, "crm-core").await.unwrap(), before);
        let other = json!({"spec": {"registrations": {"account": {"secretName": "crm-own"}}}});
        trial.edit_plugin("crm", &other).await;
        trial.well("crm").await;
        assert_eq!(secret(trial, "crm-core").await.unwrap(), before);
        assert!(secret(trial, "crm-own").await.is_some());
    });
}

#[test]
fn more_than_is_granted_is_refused_and_named() {
    with_accounts(async |trial: &mut Trial| {
        trial.panel("crm").await;
        let asked = json!({"acl": ["confd.users.read", "confd.lines.*.read"]});
        trial.apply(&plugin_with("crm", asked)).await;
        let seen = trial.fault("crm", "Config", "AclNotGranted").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.registrations.account.acl[1]"
        );
        assert!(
            users(trial).is_empty()
                && policies(trial).is_empty()
                && secret(trial, "crm-core").await.is_none()
        );
        for (asked, reason) in [
            (json!(["#"]), "AclForbidden"),
            (json!(["auth.users.password.rese*.*.create"]), "AclForbidden"),
            (json!(["confd.users.*.read", "!dird.#"]), ""),
        ] {
            let edit = json!({"spec": {"registrations": {"account": {"acl": asked}}}});
            trial.edit_plugin("crm", &edit).await;
            if !reason.is_empty() {
                let seen = trial.fault("crm", "Config", reason).await;
                assert_eq!(seen.truth("Stalled"), "True", "the spec has to change");
                continue;
            }
            // Nobody may take "!dird.#" away again who does not hold "dird.#": so it is not given either.
            let seen = trial.fault("crm", "Config", "CoreForbidden").await;
            assert!(
                seen.fault("message").contains("dird.#"),
                "{}",
                seen.fault("message")
            );
        }
        assert!(users(trial).is_empty() && policies(trial).is_empty());
        let less = json!({"spec": {"registrations": {"account": {"acl": ASKED}}}});
        trial.edit_plugin("crm", &less).await;
        trial.well("crm").await;
    });
}

#[test]
fn with_rabbitmq_away_nothing_is_doubled() {
    with_accounts(async |trial: &mut Trial| {
        trial.core_until("Ready", wazo_e2e::objects::Seen::is_ready).await;
        let away = Fault::rabbitmq_down(std::time::Duration::from_millis(20));
        let away = trial.core().faults().inject(away).await;
        trial.panel("crm").await;
        trial.apply(&plugin_with("crm", json!({"acl": ASKED}))).await;
        trial.holds("a user", || !users(trial).is_empty()).await;
        trial
            .plugin_until("crm", "seen to wait", |seen| seen.has_fault())
            .await;
        trial.core().faults().clear(away).await;
        trial.well("crm").await;
        let created = |prefix: &str| {
            let effects = trial.core().journal().effects();
            let made = effects.iter().filter(|entry| {
                let key = entry.effect.key.as_deref().unwrap_or_default();
                entry.effect.kind == EffectKind::Created
                    && key.starts_with(prefix)
                    && key.matches('/').count() == 1
            });
            made.count()
        };
        assert_eq!((created("users/"), created("policies/")), (1, 1));
    });
}
