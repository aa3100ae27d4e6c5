//! `check` of a URL: the manifest as a browser would load it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::run;
use crate::site::{Pages, Site};

const CORS: &str = "access-control-allow-origin: *";

fn manifest() -> String {
    let manifest = json!({
        "manifestVersion": "0.1", "version": "1.2.3", "id": "crm", "packageName": "com.example.crm", "productType": "app",
        "name": {"short": "CRM", "full": "CRM"}, "description": {"short": "CRM", "full": "CRM"},
        "icons": {"color": "black"}, "developer": {"name": "Acme"},
        "staticTabs": [{"entityId": "crm", "name": "CRM", "context": ["sidebarTab"], "contentUrl": "/page.html"}],
    });
    manifest.to_string()
}

/// What `check` says of a site: the exit code, and the findings.
fn checked(name: &str, pages: Pages, path: &str, more: &[&str]) -> (i32, Value) {
    let site = Site::start(name, pages);
    let url = site.url(path);
    let authority = site.authority.to_string_lossy().into_owned();
    let arguments = ["check", &url, "--output", "json", "--ca-bundle", &authority];
    let ran = run(&[&arguments[..], more].concat(), "");
    let told = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.error));
    (ran.code, told)
}

const OURS: [&str; 2] = ["--allowed-cidr", "127.0.0.0/8"];

fn pages(manifest_head: &[&'static str], page_head: &[&'static str], manifest: String) -> Pages {
    HashMap::from([
        ("/manifest.json", (manifest_head.to_vec(), manifest)),
        ("/page.html", (page_head.to_vec(), "<p>CRM</p>".to_owned())),
    ])
}

#[test]
fn a_manifest_that_a_browser_can_use_is_good() {
    let (code, told) = checked("good", pages(&[CORS], &[], manifest()), "/manifest.json", &OURS);
    assert_eq!((code, &told["ok"]), (0, &Value::from(true)), "{told:#}");
}

#[test]
fn what_keeps_a_browser_from_it_is_told_with_what_to_do() {
    let denied = pages(&[CORS], &["x-frame-options: DENY"], manifest());
    let wrong = manifest().replace("1.2.3", "one");
    for (name, pages, path, words) in [
        (
            "no-cors",
            pages(&[], &[], manifest()),
            "/manifest.json",
            "Access-Control-Allow-Origin: *",
        ),
        ("framed", denied, "/manifest.json", "X-Frame-Options"),
        (
            "no-json",
            pages(&[CORS], &[], "<p>".to_owned()),
            "/manifest.json",
            "JSON",
        ),
        ("version", pages(&[CORS], &[], wrong), "/manifest.json", "version"),
        ("absent", pages(&[CORS], &[], manifest()), "/nothing.json", "404"),
    ] {
        let (code, told) = checked(name, pages, path, &OURS);
        assert_eq!((code, &told["ok"]), (1, &Value::from(false)), "{name}: {told:#}");
        let findings = told["findings"].to_string();
        assert!(findings.contains(words), "{name}: {findings}");
    }
}

#[test]
fn private_addresses_and_unknown_authorities_are_refused_unless_they_are_named() {
    let (code, told) = checked("private", pages(&[CORS], &[], manifest()), "/manifest.json", &[]);
    assert_eq!(code, 1);
    assert!(
        told["findings"].to_string().contains("--allowed-cidr"),
        "{told:#}"
    );
    let site = Site::start("unknown", pages(&[CORS], &[], manifest()));
    let ran = run(
        &[
            "check",
            &site.url("/manifest.json"),
            "--allowed-cidr",
            "127.0.0.0/8",
        ],
        "",
    );
    assert_eq!(ran.code, 1);
    assert!(
        ran.out
            .contains("not signed by a known authority: name an authority"),
        "{}",
        ran.out
    );
}

#[test]
fn only_https_is_looked_at_and_the_product_counts() {
    let ran = run(&["check", "http://crm.acme.example/manifest.json"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("https only"), "{}", ran.out);
    let more = [&OURS[..], &["--product", "mobile"]].concat();
    let (code, told) = checked("mobile", pages(&[CORS], &[], manifest()), "/manifest.json", &more);
    assert_eq!(code, 1);
    assert!(told["findings"].to_string().contains("productType"), "{told:#}");
}
