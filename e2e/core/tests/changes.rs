//! What others change in the stack: rights, tokens, passwords, applications, the stack itself.

mod common;

use std::time::Duration;

use common::{APPS, Client};
use serde_json::{Map, json};
use wazo_simulated_core::{Application, Fault, Stranger, Tokens};

fn app(path: &str) -> String {
    format!("{APPS}/{path}")
}

#[tokio::test]
async fn rights_can_be_revoked_with_the_tokens_dropped_or_kept() {
    let mut client = Client::start().await;
    client
        .core
        .faults()
        .set_rights(&["confd.infos.read"], Tokens::Keep);
    assert_eq!(
        client.status("GET", APPS, None).await,
        200,
        "a token keeps the rights it was made with"
    );
    client
        .core
        .faults()
        .set_rights(&["confd.infos.read"], Tokens::Drop);
    assert_eq!(client.status("GET", APPS, None).await, 401);
    client.token = client.login().await.unwrap();
    let seen = client.ask("GET", APPS, None).await.unwrap();
    assert_eq!(seen.status, 401);
    assert!(
        seen.json()[0]
            .as_str()
            .unwrap()
            .ends_with("'confd.external.apps.read', None)"),
        "the ACL is missing"
    );
}

#[tokio::test]
async fn tokens_expire_by_the_clock_of_the_stack_or_all_at_once() {
    let mut client = Client::start().await;
    client.core.clock().advance(Duration::from_secs(3601));
    assert_eq!(client.status("GET", APPS, None).await, 401);
    client.token = client.login().await.unwrap();
    assert_eq!(client.status("GET", APPS, None).await, 200);
    client.core.faults().expire_tokens();
    assert_eq!(client.status("GET", APPS, None).await, 401);
}

#[tokio::test]
async fn after_a_change_of_password_the_old_one_is_refused_and_the_tokens_are_dead() {
    let client = Client::start().await;
    client.core.faults().change_password("another");
    assert_eq!(client.login().await, Err(401));
    assert_eq!(client.status("GET", APPS, None).await, 401);
    assert!(
        client
            .login_with(client.core.account().0, "another")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_stranger_puts_right_between_our_get_and_our_put() {
    let client = Client::start().await;
    let tenant = client.core.tenant().to_owned();
    client.core.apps().put(Application {
        tenant: tenant.clone(),
        name: "desktop".to_owned(),
        label: None,
        configuration: json!({"manifest_urls": []}),
    });
    let (name, url) = ("desktop".to_owned(), "https://theirs/manifest.json".to_owned());
    let stranger = Stranger::AddUrl {
        tenant: tenant.clone(),
        name,
        url,
    };
    client
        .core
        .faults()
        .inject(
            Fault::stranger_before(stranger)
                .on("PUT", &app("desktop"))
                .times(1),
        )
        .await;
    let before = client.ask("GET", &app("desktop"), None).await.unwrap().json();
    assert_eq!(before["configuration"], json!({"manifest_urls": []}));
    let ours = json!({"configuration": {"manifest_urls": ["https://ours/manifest.json"]}});
    assert_eq!(
        client.status("PUT", &app("desktop"), Some(ours.clone())).await,
        204
    );
    let entries = client.core.journal().effects();
    let [.., theirs, put] = entries.as_slice() else {
        panic!("two effects")
    };
    assert!(theirs.stranger && !put.stranger);
    assert_eq!(
        put.effect.before.as_ref().unwrap()["configuration"]["manifest_urls"][0],
        "https://theirs/manifest.json"
    );
    assert_eq!(
        put.effect.after.as_ref().unwrap()["configuration"],
        ours["configuration"],
        "the lost update"
    );
}

#[tokio::test]
async fn a_stranger_creates_edits_and_deletes_at_any_moment() {
    let client = Client::start().await;
    let (tenant, name) = (client.core.tenant().to_owned(), "desktop".to_owned());
    let theirs = Application {
        tenant: tenant.clone(),
        name: name.clone(),
        label: None,
        configuration: json!({}),
    };
    client
        .core
        .faults()
        .inject(
            Fault::stranger_before(Stranger::Put(theirs))
                .on("POST", APPS)
                .times(1),
        )
        .await;
    let seen = client
        .ask("POST", &app("desktop"), Some(json!({})))
        .await
        .unwrap();
    assert_eq!(seen.status, 400);
    assert!(seen.json()[0].as_str().unwrap().contains("already exists"));
    let configuration = Map::from_iter([("debug".to_owned(), json!(true))]);
    let merge = Stranger::Merge {
        tenant: tenant.clone(),
        name: name.clone(),
        configuration,
    };
    client
        .core
        .faults()
        .inject(Fault::stranger_after(merge).on("GET", APPS).times(1))
        .await;
    client.ask("GET", &app("desktop"), None).await.unwrap();
    assert_eq!(
        client.core.apps().get(&tenant, &name).unwrap().configuration,
        json!({"debug": true})
    );
    client.core.apps().delete(&tenant, &name);
    assert_eq!(client.status("PUT", &app("desktop"), Some(json!({}))).await, 404);
}

#[tokio::test]
async fn the_stack_can_become_another_one() {
    let client = Client::start().await;
    client
        .core
        .faults()
        .change_stack_uuid("99999999-9999-4999-8999-999999999999");
    let infos = client
        .ask("GET", "/api/confd/1.1/infos", None)
        .await
        .unwrap()
        .json();
    assert_eq!(
        infos,
        json!({"uuid": "99999999-9999-4999-8999-999999999999", "wazo_version": "26.08"})
    );
}
