//! The table of requests.

use serde_json::json;
use uuid::Uuid;

use super::{Ask, Credential, Route, Trace, build};
use crate::core::StackUrl;
use crate::core::rights::rights;
use crate::secret::Secret;

#[test]
fn the_rights_are_those_of_the_table_with_dots_as_underscores() {
    assert_eq!(
        rights(&["my.app".into(), "my.app".into()]),
        [
            "confd.status.read",
            "confd.infos.read",
            "confd.external.apps.read",
            "confd.external.apps.my_app.read",
            "confd.external.apps.my_app.create",
            "confd.external.apps.my_app.update"
        ]
    );
}

#[test]
fn a_request_carries_tenant_trace_and_a_token_that_is_not_printed() {
    let url = StackUrl::try_from("https://stack.example").unwrap();
    let tenant = Uuid::new_v4();
    let trace = Trace::new();
    let ask = Ask {
        name: "a/b".into(),
        ..Ask::of(Route::ChangeApp)
    }
    .tenant(Some(tenant))
    .body(json!({"configuration": {}}));
    let request = build(&url, &ask, &Credential::Token(Secret::new("s3cret")), &trace);
    assert_eq!(request.method(), "PUT");
    assert_eq!(
        request.uri(),
        "https://stack.example/api/confd/1.1/external/apps/a%2Fb"
    );
    assert_eq!(request.headers()["wazo-tenant"], tenant.to_string());
    assert_eq!(request.headers()["x-auth-token"], "s3cret");
    assert!(!format!("{request:?}").contains("s3cret"));
    let parent = request.headers()["traceparent"].to_str().unwrap();
    assert!(
        parent.starts_with(&format!("00-{}-", trace.id)) && parent.len() == 55,
        "{parent}"
    );
    assert_eq!(request.body(), r#"{"configuration":{}}"#);
}

#[test]
fn a_login_is_basic_and_a_token_in_the_path_sends_no_header() {
    let url = StackUrl::try_from("https://stack.example").unwrap();
    let login = build(
        &url,
        &Ask::of(Route::Login).body(json!({"expiration": 7200})),
        &Credential::Basic("root".into(), Secret::new("s3cre7-root")),
        &Trace::new(),
    );
    assert_eq!(login.headers()["authorization"], "Basic cm9vdDpzM2NyZTctcm9vdA==");
    let check = build(
        &url,
        &Ask::of(Route::CheckScopes).body(json!({"scopes": []})),
        &Credential::Path(Secret::new("t")),
        &Trace::new(),
    );
    assert_eq!(check.uri().path(), "/api/auth/0.1/token/t/scopes/check");
    assert!(!check.headers().contains_key("x-auth-token"));
}

#[test]
fn what_is_a_users_is_asked_for_with_him_in_the_path_and_in_the_right() {
    let url = StackUrl::try_from("https://stack.example").unwrap();
    let user = Uuid::nil();
    let ask = Ask {
        name: "my.app".into(),
        user: Some(user),
        query: vec![("recurse", "true".to_owned())],
        ..Ask::of(Route::ReadUserApp)
    };
    let request = build(&url, &ask, &Credential::Token(Secret::new("t")), &Trace::new());
    let path = format!("https://stack.example/api/confd/1.1/users/{user}/external/apps/my.app?recurse=true");
    assert_eq!(request.uri().to_string(), path);
    let right = Route::ReadUserApp.right_of_user(user, "my.app");
    assert_eq!(
        right,
        Some(format!("confd.users.{user}.external.apps.my_app.read"))
    );
}
