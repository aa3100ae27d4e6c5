//! The core is away, or does not let us in.

use scenarios::oracle;
use scenarios::scene::scenario;
use wazo_e2e::objects::credentials;
use wazo_simulated_core::Fault;

#[test]
fn a_core_that_is_away_before_the_registration_is_waited_for() {
    scenario(async |scene| {
        scene.core().faults().inject(Fault::refuse_connections()).await;
        scene.connect().await;
        scene.apply(&scene.plugin("crm")).await;
        let seen = scene
            .fault("crm", "Core", "CoreTransport", "CoreUnreachable")
            .await;
        assert!(!seen.is_ready());
        assert_eq!(seen.truth("Reconciling"), "True", "it may succeed alone");
        let core = scene
            .core_until("not Ready", |seen| seen.truth("Ready") == "False")
            .await;
        assert!(core.is_fault("Core", "CoreUnreachable"));
        scene.core().faults().clear_all().await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

#[test]
fn a_core_that_fails_during_the_registration_is_waited_for_and_nothing_is_doubled() {
    scenario(async |scene| {
        // The first write has its effect, its answer is lost; what follows finds a front without confd.
        let apps = "/api/confd/1.1/external/apps";
        let faults = scene.core().faults();
        faults
            .inject(Fault::reset_after_effect().on("PUT", apps).times(1))
            .await;
        let bad_gateway =
            "<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>";
        faults
            .inject(Fault::answer(502, "text/html", bad_gateway).on("POST", apps))
            .await;
        scene.connect().await;
        scene.apply(&scene.plugin("crm")).await;
        let seen = scene.fault("crm", "Core", "CoreAPI", "CoreServiceDown").await;
        assert!(!seen.is_ready());
        assert_eq!(seen.truth("Reconciling"), "True");
        faults.clear_all().await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
        scene.strangers_data_is_intact();
    });
}

#[test]
fn a_core_that_goes_away_afterwards_does_not_take_ready_away() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        let before = scene.core().journal().sequence();
        scene.core().faults().inject(Fault::refuse_connections()).await;
        let seen = scene
            .fault("crm", "Core", "CoreTransport", "CoreUnreachable")
            .await;
        assert!(seen.is_ready() && !seen.is_blocked());
        assert_eq!(seen.truth("Registered"), "True");
        assert_eq!(seen.truth("Available"), "True");
        assert_eq!(seen.0["status"]["fault"]["causedBy"]["kind"], "WazoCore");
        let core = scene
            .core_until("not Ready", |seen| seen.truth("Ready") == "False")
            .await;
        assert!(core.is_fault("Core", "CoreUnreachable"));
        scene.core().faults().clear_all().await;
        scene.well("crm").await;
        scene
            .core_until("Ready", |seen| seen.is_ready() && !seen.has_fault())
            .await;
        let journal = scene.core().journal().since(before);
        assert_eq!(
            oracle::writes(&journal).count(),
            0,
            "nothing had changed, nothing is written"
        );
    });
}

#[test]
fn a_wrong_password_is_the_configurations_fault_until_the_secret_is_corrected() {
    scenario(async |scene| {
        scene.connect().await;
        let (username, password) = scene.core().account();
        scene.apply(&credentials(username, "not-the-password")).await;
        // A core that had the right one in between.
        scene.core().faults().change_password("another-password");
        scene.apply(&scene.plugin("crm")).await;
        let rejected = |seen: &wazo_e2e::objects::Seen| {
            matches!(
                seen.fault("reason"),
                "CoreCredentialsRejected" | "CredentialsChangedInCore"
            ) && seen.fault("party") == "Config"
        };
        scene.core_until("refused", rejected).await;
        let seen = scene
            .plugin_until("crm", "waiting for credentials", rejected)
            .await;
        assert!(!seen.is_ready());
        let logins = |scene: &scenarios::scene::Scene| {
            let counts = scene.core().journal().counts();
            counts
                .get("POST /api/auth/0.1/token")
                .copied()
                .unwrap_or_default()
        };
        assert!(
            logins(scene) <= 4,
            "rejected credentials are not hammered: {} logins",
            logins(scene)
        );
        scene.core().faults().change_password(password);
        scene.apply(&credentials(username, password)).await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}
