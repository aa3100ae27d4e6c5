//! What the manifest itself, or its server, does wrong.

use serde_json::{Value, json};

use super::*;
use crate::api::ui_manifest::Rule;
use crate::probe::{FramingHeader, ManifestSummary};

#[tokio::test]
async fn a_good_manifest_is_asked_for_as_a_browser_would() {
    let (site, pod) = (good_site(), good_site());
    let mut bench = Bench::new(&site, &pod, settings());
    bench.want(job());
    let fact = bench.manifest().await;
    assert_eq!((fact.name.as_str(), fact.revision.as_str()), ("panel", "1"));
    assert_eq!((fact.public, fact.pod), (Some(good()), None));
    let summary = ManifestSummary {
        version: "1.4.2".to_owned(),
        id: "crm".to_owned(),
    };
    assert_eq!(fact.manifest, Some(summary));
    assert_eq!(fact.last_good, Some(fact.checked_at));
    let asked = site.asked(MANIFEST).remove(0);
    let headers = ["host", "origin", "accept"].map(|name| asked.header(name));
    assert_eq!(headers, [HOST, "https://app.wazo.io", "application/json"]);
    assert_eq!(site.asked("/panel/index.html").len(), 1);
    assert_eq!(
        bench.net.connected(),
        [socket("203.0.113.10:443"); 2],
        "the pod is not asked"
    );
}

#[tokio::test]
async fn a_port_and_a_query_are_kept() {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    let site = good_site();
    net.tls(
        &format!("{GATEWAY}:8443"),
        &Authority::get().certificate(&[HOST]),
        &site,
    );
    let mut bench = Bench::with(net, settings());
    let mut job = job();
    job.url = Url::parse(&format!("https://{HOST}:8443{MANIFEST}?v=1")).unwrap();
    assert_eq!(bench.first(job).await.0, good());
    assert_eq!(site.asked(MANIFEST)[0].header("host"), format!("{HOST}:8443"));
}

#[tokio::test]
async fn an_error_status_is_told_from_a_missing_manifest() {
    for (page, expected) in [
        (Page::text("no").status(404), LookError::NotFound),
        (Page::text("no").status(410), LookError::NotFound),
        (
            Page::text("<h1>bad gateway</h1>").status(502),
            LookError::Status {
                code: 502,
                from_html: true,
            },
        ),
        (
            Page::json(&json!({})).status(500),
            LookError::Status {
                code: 500,
                from_html: false,
            },
        ),
        (
            Page::json(&json!({})).status(401),
            LookError::Status {
                code: 401,
                from_html: false,
            },
        ),
        (
            manifest_page().status(206),
            LookError::Status {
                code: 206,
                from_html: false,
            },
        ),
    ] {
        let site = good_site();
        site.set(MANIFEST, page);
        assert_eq!(public_error(&site, settings()).await, expected);
    }
}

#[tokio::test]
async fn a_manifest_that_does_not_come_in_time_times_out() {
    for page in [Page::nothing(), Page::stalls()] {
        let site = good_site();
        site.set(MANIFEST, page);
        let settings = ProbeSettings {
            timeout: Duration::from_millis(700),
            ..settings()
        };
        assert_eq!(public_error(&site, settings).await, LookError::TimedOut);
    }
}

#[tokio::test]
async fn a_manifest_over_a_mebibyte_is_too_large_announced_or_not() {
    let large = " ".repeat(1024 * 1024 + 1);
    for page in [Page::text(&large), Page::unannounced(8 * 1024 * 1024)] {
        let site = good_site();
        site.set(MANIFEST, page.header("access-control-allow-origin", "*"));
        assert_eq!(public_error(&site, settings()).await, LookError::TooLarge);
    }
    let padded = format!("{}{}", manifest_json(), " ".repeat(1000 * 1000));
    let site = good_site();
    site.set(
        MANIFEST,
        Page::text(&padded).header("access-control-allow-origin", "*"),
    );
    let mut bench = Bench::new(&site, &good_site(), settings());
    assert_eq!(bench.first(job()).await.0, good(), "less is read whole");
}

#[tokio::test]
async fn an_answer_that_other_origins_may_not_read_is_missing_cors() {
    let cors = "access-control-allow-origin";
    for page in [
        Page::json(&manifest_json()),
        Page::json(&manifest_json()).header(cors, "https://*.wazo.io"),
        Page::json(&manifest_json()).header(cors, "*").header(cors, "*"),
    ] {
        let site = good_site();
        site.set(MANIFEST, page);
        assert_eq!(public_error(&site, settings()).await, LookError::CorsMissing);
    }
    let site = good_site();
    site.set(
        MANIFEST,
        Page::json(&manifest_json()).header(cors, "https://app.wazo.io"),
    );
    let mut bench = Bench::new(&site, &good_site(), settings());
    assert_eq!(bench.first(job()).await.0, good());
}

#[tokio::test]
async fn a_manifest_that_is_invalid_in_a_required_field_is_named_by_its_path() {
    for path in [
        "manifestVersion",
        "version",
        "id",
        "packageName",
        "productType",
        "name.short",
        "name.full",
        "description.short",
        "description.full",
        "icons.color",
        "developer.name",
    ] {
        let mut manifest = manifest_json();
        let pointer = format!("/{}", path.replace('.', "/"));
        *manifest.pointer_mut(&pointer).unwrap() = json!(["tell-nobody"]);
        let site = good_site();
        site.set(
            MANIFEST,
            Page::json(&manifest).header("access-control-allow-origin", "*"),
        );
        let error = public_error(&site, settings()).await;
        let LookError::Invalid(violations) = &error else {
            panic!("{error}")
        };
        assert_eq!(
            (violations[0].path.as_str(), violations[0].rule),
            (path, Rule::WrongType)
        );
        assert!(error.to_string().contains(path), "{error}");
        assert!(!format!("{error:?} {error}").contains("tell-nobody"));
    }
}

#[tokio::test]
async fn what_is_not_json_is_named_by_line_and_column() {
    let site = good_site();
    site.set(
        MANIFEST,
        Page::text("{\n<html>").header("access-control-allow-origin", "*"),
    );
    let error = public_error(&site, settings()).await.to_string();
    assert_eq!(
        error,
        "the manifest is not valid: $: is not JSON: key must be a string at line 2 column 1"
    );
}

#[tokio::test]
async fn warnings_do_not_make_a_look_bad() {
    let mut manifest = manifest_json();
    manifest["packageName"] = json!("crm");
    let site = good_site();
    site.set(
        MANIFEST,
        Page::json(&manifest).header("access-control-allow-origin", "*"),
    );
    let mut bench = Bench::new(&site, &good_site(), settings());
    let (Look::Good { warnings }, None) = bench.first(job()).await else {
        panic!("the look is bad")
    };
    assert_eq!((warnings.len(), warnings[0].rule), (1, Rule::PackageName));
}

#[tokio::test]
async fn a_page_that_may_not_be_framed_is_an_error() {
    for (name, value, header) in [
        ("x-frame-options", "SAMEORIGIN", FramingHeader::XFrameOptions),
        (
            "content-security-policy",
            "frame-ancestors 'self'",
            FramingHeader::FrameAncestors,
        ),
    ] {
        let site = good_site();
        site.set(
            "/panel/index.html",
            Page::text("<h1>CRM</h1>").header(name, value),
        );
        let expected = LookError::FramingForbidden { header };
        assert_eq!(public_error(&site, settings()).await, expected);
        let mut bench = Bench::new(&site, &site, settings());
        let (_, pod) = bench.first(job()).await;
        assert_eq!(pod, Some(Look::Bad(expected)), "the pod's own header");
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_is_warned_of_and_one_that_hangs_is_left_for_later() {
    let site = good_site();
    site.set(
        "/panel/index.html",
        Page::text("no").status(404).header("x-frame-options", "DENY"),
    );
    let mut bench = Bench::new(&site, &good_site(), settings());
    let (Look::Good { warnings }, None) = bench.first(job()).await else {
        panic!("the look is bad")
    };
    assert_eq!(
        warnings[0].to_string(),
        "staticTabs[0].contentUrl: the page answers 404"
    );

    site.set("/panel/index.html", Page::nothing());
    let settings = ProbeSettings {
        timeout: Duration::from_secs(1),
        ..settings()
    };
    let mut bench = Bench::new(&site, &good_site(), settings);
    assert_eq!(bench.first(job()).await.0, good());
}

#[tokio::test]
async fn a_page_elsewhere_and_an_external_page_are_not_looked_at() {
    let pages = |field: &str, value: Value| {
        let mut manifest = manifest_json();
        manifest["staticTabs"][0][field] = value;
        Page::json(&manifest).header("access-control-allow-origin", "*")
    };
    for page in [
        pages("contentUrl", json!("https://cdn.example/page")),
        pages("isExternal", json!(true)),
    ] {
        let site = good_site();
        site.set(MANIFEST, page);
        let mut bench = Bench::new(&site, &good_site(), settings());
        assert_eq!(bench.first(job()).await.0, good());
        assert_eq!(bench.net.connected().len(), 1);
    }
}
