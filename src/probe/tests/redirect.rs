//! Redirects.

use super::*;
use crate::probe::RedirectFlaw;

const CDN: &str = "cdn.example";
const CDN_ADDRESS: &str = "198.51.100.20";

/// A bench with a second host, and what its look sees when the manifest redirects so.
async fn redirected(page: Page, cdn: &Arc<Site>, cdn_address: &str) -> (Bench, Look) {
    let site = good_site();
    site.set(MANIFEST, page);
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.name(CDN, &[&[cdn_address]]);
    net.tls(
        &format!("{GATEWAY}:443"),
        &Authority::get().certificate(&[HOST]),
        &site,
    );
    net.tls(
        &format!("{cdn_address}:443"),
        &Authority::get().certificate(&[CDN]),
        cdn,
    );
    let mut bench = Bench::with(net, settings());
    let mut job = job();
    job.pods.clear();
    let (look, _) = bench.first(job).await;
    (bench, look)
}

fn refused(why: RedirectFlaw) -> Look {
    Look::Bad(LookError::RedirectRefused { why })
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed() {
    let site = good_site();
    site.set("/start", Page::redirect("panel/manifest.json"));
    let mut bench = Bench::new(&site, &good_site(), settings());
    let mut job = job();
    job.url = Url::parse(&format!("https://{HOST}/start")).unwrap();
    assert_eq!(bench.first(job).await.0, good());
    assert_eq!(
        site.asked("/panel/index.html").len(),
        1,
        "pages are relative to where the manifest is"
    );
    assert_eq!(site.asked(MANIFEST)[0].header("origin"), "https://app.wazo.io");
}

#[tokio::test]
async fn redirects_without_an_end_are_given_up() {
    let site = good_site();
    site.set(MANIFEST, Page::redirect(MANIFEST));
    assert_eq!(public_error(&site, settings()).await, LookError::TooManyRedirects);
    // Twice, since the pods answer well.
    assert_eq!(site.asked(MANIFEST).len(), 2 * 6, "the first and five redirects");
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused_and_not_followed() {
    for target in [format!("https://{CDN}/"), "https://10.0.0.1/".to_owned()] {
        let (bench, look) = redirected(Page::redirect(&target), &good_site(), "10.0.0.1").await;
        assert_eq!(look, refused(RedirectFlaw::Address), "{target}");
        assert_eq!(bench.net.connected(), [socket("203.0.113.10:443")]);
    }
}

#[tokio::test]
async fn a_redirect_that_leaves_https_or_leads_nowhere_is_refused() {
    for (page, why) in [
        (
            Page::redirect(&format!("http://{HOST}{MANIFEST}")),
            RedirectFlaw::Insecure,
        ),
        (Page::redirect("file:///etc/passwd"), RedirectFlaw::Insecure),
        (
            Page::redirect("https://unknown.example/"),
            RedirectFlaw::NotResolving,
        ),
        (Page::redirect("https://["), RedirectFlaw::NoLocation),
        (
            Page::text("")
                .status(302)
                .header("access-control-allow-origin", "*"),
            RedirectFlaw::NoLocation,
        ),
    ] {
        let (bench, look) = redirected(page, &good_site(), CDN_ADDRESS).await;
        assert_eq!(look, refused(why));
        assert_eq!(bench.net.connected().len(), 1);
    }
}

#[tokio::test]
async fn across_origins_only_a_star_lets_browsers_read() {
    let to_cdn = || Page::redirect(&format!("https://{CDN}{MANIFEST}"));
    let cdn = good_site();
    let (_, look) = redirected(to_cdn(), &cdn, CDN_ADDRESS).await;
    assert_eq!(look, good());
    let asked = cdn.asked(MANIFEST).remove(0);
    assert_eq!([asked.header("host"), asked.header("origin")], [CDN, "null"]);
    assert_eq!(
        cdn.asked("/panel/index.html").len(),
        0,
        "a page of another origin is not looked at"
    );

    let echoing = Page::json(&manifest_json()).header("access-control-allow-origin", "https://app.wazo.io");
    cdn.set(MANIFEST, echoing);
    let (_, look) = redirected(to_cdn(), &cdn, CDN_ADDRESS).await;
    assert_eq!(look, Look::Bad(LookError::CorsMissing));

    let silent = Page::text("").status(302).header("location", MANIFEST);
    let (_, look) = redirected(silent, &cdn, CDN_ADDRESS).await;
    assert_eq!(
        look,
        Look::Bad(LookError::CorsMissing),
        "the redirect itself must be readable, too"
    );
}
