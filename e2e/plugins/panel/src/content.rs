//! The files of the plugin, compiled in so that one static binary is the whole image.

/// One file: where it is served, what it is, how long it may be cached.
pub(crate) struct Asset {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) text: &'static str,
}

/// For whatever keeps its name over versions and changes meaning with them.
pub(crate) const NO_CACHE: &str = "no-cache";
const ONE_HOUR: &str = "public, max-age=3600";

const HTML: &str = "text/html; charset=utf-8";
const SVG: &str = "image/svg+xml";
pub(crate) const JSON: &str = "application/json";

const fn asset(
    path: &'static str,
    content_type: &'static str,
    cache_control: &'static str,
    text: &'static str,
) -> Asset {
    Asset {
        path,
        content_type,
        cache_control,
        text,
    }
}

const ASSETS: [Asset; 8] = [
    asset("/", HTML, NO_CACHE, include_str!("assets/index.html")),
    asset("/index.html", HTML, NO_CACHE, include_str!("assets/index.html")),
    asset(
        "/background.js",
        "text/javascript",
        NO_CACHE,
        include_str!("assets/background.js"),
    ),
    asset(
        "/icon-color.svg",
        SVG,
        ONE_HOUR,
        include_str!("assets/icon-color.svg"),
    ),
    asset(
        "/icon-outline.svg",
        SVG,
        ONE_HOUR,
        include_str!("assets/icon-outline.svg"),
    ),
    asset("/tab.svg", SVG, ONE_HOUR, include_str!("assets/tab.svg")),
    asset(
        "/locales/en.json",
        JSON,
        NO_CACHE,
        include_str!("assets/locales/en.json"),
    ),
    asset(
        "/locales/fr.json",
        JSON,
        NO_CACHE,
        include_str!("assets/locales/fr.json"),
    ),
];

/// All files, each with its own path.
pub(crate) fn assets() -> &'static [Asset] {
    &ASSETS
}
