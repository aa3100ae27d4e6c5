//! Tenants, accounts and the apps of single users, as tests set them up and look at them.

mod common;

use common::{APPS, Client};
use serde_json::{Value, json};
use wazo_simulated_core::{
    ACCOUNT_ACL, AUDIENCE_ACL, Account, EffectKind, Fault, OPERATOR_ACL, Options, Seed, SimulatedCore,
    TENANTS_ACL, UserApplication,
};

/// A stack whose operator may keep accounts, see tenants and write for single users.
async fn start() -> Client {
    let mut seed = Seed::default();
    let rights = [
        &OPERATOR_ACL[..],
        &ACCOUNT_ACL,
        &TENANTS_ACL,
        &AUDIENCE_ACL,
        &["calld.users.read"],
    ]
    .concat();
    seed.accounts[1].acl = rights.into_iter().map(ToOwned::to_owned).collect();
    let core = SimulatedCore::start(Options {
        seed,
        ..Options::default()
    })
    .await
    .expect("a free port");
    let mut client = Client {
        core,
        token: String::new(),
    };
    client.token = client.login().await.expect("the account of the seed can log in");
    client
}

async fn in_tenant(client: &Client, method: &str, path: &str, tenant: &str, body: Value) -> (u16, Value) {
    let request = http::Request::builder().method(method).uri(path);
    let request = request
        .header("x-auth-token", &client.token)
        .header("wazo-tenant", tenant);
    let seen = client
        .send(request.body(body.to_string()).expect("a request"))
        .await
        .expect("an answer");
    (
        seen.status,
        serde_json::from_str(&seen.text).unwrap_or(Value::Null),
    )
}

#[tokio::test]
async fn one_tenant_answers_badly_and_the_others_do_not() {
    let client = start().await;
    let tenants = client
        .core
        .tenants()
        .create_many(client.core.tenant(), "customer", 3);
    let app = format!("{APPS}/desktop");
    let bad = Fault::answer(500, "application/json", "[\"Unexpected error\"]");
    let id = client
        .core
        .faults()
        .inject(bad.of_tenant(&tenants[1]).on("POST", APPS))
        .await;
    let mut seen = Vec::new();
    for tenant in &tenants {
        seen.push(in_tenant(&client, "POST", &app, tenant, json!({})).await.0);
    }
    assert_eq!(seen, [201, 500, 201]);
    client.core.faults().clear(id).await;
    client
        .core
        .faults()
        .inject(Fault::unauthorized().of_tenant(&tenants[1]))
        .await;
    let (status, refused) = in_tenant(&client, "POST", &app, &tenants[1], json!({})).await;
    assert_eq!(status, 401);
    let said = format!("'confd.external.apps.desktop.create', '{}')", tenants[1]);
    assert!(
        refused[0].as_str().is_some_and(|text| text.ends_with(&said)),
        "{refused}"
    );
    assert_eq!(
        in_tenant(&client, "GET", &app, &tenants[0], json!(null)).await.0,
        200
    );
    assert_eq!(client.core.apps().list().len(), 2);
}

#[tokio::test]
async fn a_tenant_that_was_put_elsewhere_is_refused_everywhere() {
    let client = start().await;
    let tenants = client.core.tenants();
    let lost = tenants.create(client.core.tenant(), "customer");
    let check = format!("/api/auth/0.1/token/{}/scopes/check", client.token);
    let asked = json!({"scopes": ["confd.external.apps.read"], "tenant_uuid": lost});
    assert_eq!(client.status("POST", &check, Some(asked.clone())).await, 200);
    let master = tenants
        .list()
        .into_iter()
        .find(|tenant| tenant.name == "master")
        .expect("a master tenant");
    tenants.put_below(&lost, &master.uuid);
    assert_eq!(in_tenant(&client, "GET", APPS, &lost, json!(null)).await.0, 401);
    assert_eq!(client.status("POST", &check, Some(asked)).await, 403);
    let listed = client
        .ask("GET", "/api/auth/0.1/tenants", None)
        .await
        .expect("an answer")
        .json();
    assert_eq!(listed["total"], 1, "{listed}");
}

#[tokio::test]
async fn a_tenant_goes_with_all_that_is_in_it_and_below_it() {
    let client = start().await;
    let core = &client.core;
    let top = core.tenants().create(core.tenant(), "customer");
    let below = core.tenants().create(&top, "branch");
    let user = core.phone_users().create(&below, "Ann");
    let app = UserApplication {
        user: user.clone(),
        name: "desktop".to_owned(),
        label: None,
        configuration: Value::Null,
    };
    core.phone_users().put_app(app);
    core.accounts().create(Account {
        uuid: "11111111-1111-4111-8111-111111111111".to_owned(),
        username: "ann".to_owned(),
        password: "secret".to_owned(),
        tenant: below.clone(),
        purpose: "user".to_owned(),
        acl: vec!["confd.users.read".to_owned()],
    });
    let policies = core.accounts().policies().len();
    let path = format!("/api/auth/0.1/tenants/{top}");
    assert_eq!(
        client.status("DELETE", &path, None).await,
        401,
        "the operator has no such right"
    );
    core.tenants().delete(&top);
    assert!(!core.tenants().exists(&top) && !core.tenants().exists(&below));
    assert!(core.phone_users().list().is_empty() && core.phone_users().apps().is_empty());
    assert_eq!(core.accounts().policies().len(), policies - 1);
    assert!(
        core.accounts()
            .get("11111111-1111-4111-8111-111111111111")
            .is_none()
    );
    let gone: Vec<_> = core.journal().effects();
    let gone = gone
        .iter()
        .filter(|entry| entry.stranger && entry.effect.kind == EffectKind::Deleted);
    assert_eq!(gone.count(), 2, "each tenant is one act, the lower one first");
}

#[tokio::test]
async fn the_app_of_a_user_hides_that_of_his_tenant_until_it_is_gone() {
    let client = start().await;
    let tenant = client.core.tenant().to_owned();
    let user = client.core.phone_users().create(&tenant, "Ann");
    assert_eq!(
        client
            .status("POST", &format!("{APPS}/desktop"), Some(json!({"label": "all"})))
            .await,
        201
    );
    let path = format!("/api/confd/1.1/users/{user}/external/apps/desktop");
    let label = || {
        client
            .core
            .phone_users()
            .seen(&user, "desktop")
            .and_then(|app| app.label)
    };
    assert_eq!(client.status("GET", &path, None).await, 404);
    assert_eq!(label().as_deref(), Some("all"));
    assert_eq!(
        client.status("POST", &path, Some(json!({"label": "hers"}))).await,
        201
    );
    assert_eq!(label().as_deref(), Some("hers"));
    let seen = client
        .ask("GET", &format!("{path}?view=fallback"), None)
        .await
        .expect("an answer");
    assert_eq!(seen.json()["label"], "hers");
    assert_eq!(
        client
            .status("PUT", &path, Some(json!({"configuration": {"a": 1}})))
            .await,
        204
    );
    let entry = client.core.journal().effects().pop().expect("an effect");
    assert_eq!(
        entry.effect.key,
        Some(format!("user_external_apps/{user}/desktop"))
    );
    assert_eq!(entry.effect.before.expect("what was there")["label"], "hers");
    assert_eq!(client.status("DELETE", &path, None).await, 204);
    assert_eq!(label().as_deref(), Some("all"));
}

#[tokio::test]
async fn an_account_is_made_logs_in_loses_its_rights_and_its_tokens() {
    let client = start().await;
    let accounts = client.core.accounts();
    let user = "22222222-2222-4222-8222-222222222222";
    let users = "/api/auth/0.1/users";
    let wanted = json!({"uuid": user, "username": "plugin", "password": "first", "purpose": "external_api"});
    assert_eq!(client.status("POST", users, Some(wanted)).await, 200);
    let policy = json!({"name": "plugin", "acl": ["calld.users.read"]});
    let policy = client
        .ask("POST", "/api/auth/0.1/policies", Some(policy))
        .await
        .expect("an answer");
    let policy = policy.json()["uuid"].as_str().expect("a uuid").to_owned();
    let link = format!("{users}/{user}/policies/{policy}");
    assert_eq!(client.status("PUT", &link, None).await, 204);
    assert_eq!(
        accounts.get(user).expect("the user").policies,
        std::slice::from_ref(&policy)
    );
    let login = accounts.log_in("plugin", "first").expect("the password is right");
    assert_eq!(login.user().as_deref(), Some(user));
    assert!(login.allows("calld.users.read") && !login.allows("confd.users.read"));
    accounts.set_rights(&policy, &["confd.users.read"]);
    assert!(
        login.allows("calld.users.read"),
        "a token keeps the rights it was made with"
    );
    let later = accounts.log_in("plugin", "first").expect("the password is right");
    assert!(later.allows("confd.users.read") && !later.allows("calld.users.read"));
    accounts.enable(user, false);
    assert!(!login.lives() && !later.lives() && accounts.log_in("plugin", "first").is_none());
    accounts.enable(user, true);
    accounts.set_password(user, "second");
    assert!(accounts.log_in("plugin", "first").is_none());
    let login = accounts
        .log_in("plugin", "second")
        .expect("the password is right");
    accounts.revoke(user);
    assert!(!login.lives());
    accounts.delete_policy(&policy);
    assert!(accounts.get(user).expect("the user").policies.is_empty());
    let theirs: Vec<_> = client.core.journal().effects();
    assert_eq!(theirs.iter().filter(|entry| entry.stranger).count(), 5);
}
