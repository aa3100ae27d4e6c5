//! One look at a manifest, as the application's browser would take it: the manifest, then its first page.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::client::{Client, Fetched, Vantage, Wanted};
use super::cors;
use super::fact::ManifestSummary;
use super::framing;
use super::job::ProbeJob;
use super::look::{Look, LookError};
use super::settings::ProbeSettings;
use crate::api::ui_manifest::{self, Level, Rule, ValidManifest, Violation};
use crate::certificate::Validity;

/// The most warnings that a look keeps.
const MOST_WARNINGS: usize = 10;
/// The most characters that are kept of a manifest's version and id.
const MOST_CHARACTERS: usize = 128;

/// What one look showed.
pub(super) struct Seen {
    pub(super) look: Look,
    pub(super) summary: Option<ManifestSummary>,
    /// When the public host's certificate is valid, where it was seen.
    pub(super) validity: Option<Validity>,
}

/// Looks at the job's manifest and at its first page.
pub(super) async fn look(
    client: &Client,
    settings: &ProbeSettings,
    vantage: Vantage<'_>,
    job: &ProbeJob,
) -> Seen {
    let deadline = Instant::now() + settings.timeout;
    let read = timeout_at(deadline, manifest(client, settings, vantage, job));
    let (read, validity) = read.await.unwrap_or((Err(LookError::TimedOut), None));
    let (mut manifest, url) = match read {
        Ok(read) => read,
        Err(error) => {
            return Seen {
                look: Look::Bad(error),
                summary: None,
                validity,
            };
        }
    };
    let summary = Some(summary(&manifest));
    if let Some(page) = own_page(&manifest, &url, &job.url) {
        // The page's own slowness is no fault of the manifest: what was not seen in time is looked at next time.
        match timeout_at(deadline, frame(client, settings, vantage, &page)).await {
            Ok(Ok(()) | Err(PageError::Unseen)) | Err(_) => {}
            Ok(Err(PageError::Forbidden(error))) => {
                return Seen {
                    look: Look::Bad(error),
                    summary,
                    validity,
                };
            }
            Ok(Err(PageError::Status(status))) => {
                manifest.warnings.insert(0, broken(&manifest, status));
            }
        }
    }
    manifest.warnings.truncate(MOST_WARNINGS);
    Seen {
        look: Look::Good {
            warnings: manifest.warnings,
        },
        summary,
        validity,
    }
}

/// The manifest and where it came from. Also: when the certificate of the job's host is valid, whatever it answered.
async fn manifest(
    client: &Client,
    settings: &ProbeSettings,
    vantage: Vantage<'_>,
    job: &ProbeJob,
) -> (Result<(ValidManifest, Url), LookError>, Option<Validity>) {
    let wanted = Wanted::Data {
        origin: &settings.origin,
        max_body: settings.max_body,
    };
    match client.get(vantage, &job.url, &wanted).await {
        Ok(fetched) => {
            let validity = fetched.validity;
            (read(fetched, job), validity)
        }
        Err(error) => {
            let refused = match &error {
                LookError::Certificate { seen, .. } => seen.as_ref(),
                _ => None,
            };
            let own = refused.filter(|refused| job.url.host_str() == Some(&refused.host));
            let validity = own.map(|refused| refused.certificate.validity);
            (Err(error), validity)
        }
    }
}

/// The manifest in an answer.
fn read(fetched: Fetched, job: &ProbeJob) -> Result<(ValidManifest, Url), LookError> {
    let Fetched {
        url, answer, origin, ..
    } = fetched;
    // The status before the header: servers often leave CORS out of error pages, and the error is what matters.
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(LookError::NotFound),
        other => {
            let kind = answer
                .headers
                .get(CONTENT_TYPE)
                .map_or(&b""[..], |value| value.as_bytes());
            return Err(LookError::Status {
                code: other.as_u16(),
                from_html: kind.starts_with(b"text/html"),
            });
        }
    }
    if !cors::allows(&answer.headers, &origin) {
        return Err(LookError::CorsMissing);
    }
    let manifest = ui_manifest::validate(&answer.body, job.product).map_err(LookError::Invalid)?;
    Ok((manifest, url))
}

/// Why a page was not found to be framable.
enum PageError {
    Forbidden(LookError),
    Status(StatusCode),
    Unseen,
}

async fn frame(
    client: &Client,
    settings: &ProbeSettings,
    vantage: Vantage<'_>,
    page: &Url,
) -> Result<(), PageError> {
    let fetched = client
        .get(vantage, page, &Wanted::Page)
        .await
        .map_err(|_| PageError::Unseen)?;
    let answer = fetched.answer;
    if !answer.status.is_success() {
        return Err(PageError::Status(answer.status));
    }
    let Ok(application) = Url::parse(&settings.origin) else {
        return Ok(());
    };
    match framing::forbidden(&answer.headers, &application) {
        Some(header) => Err(PageError::Forbidden(LookError::FramingForbidden { header })),
        None => Ok(()),
    }
}

/// The first page that is framed, where it is the plugin's own: at the manifest's origin and at the job's.
fn own_page(manifest: &ValidManifest, manifest_url: &Url, job_url: &Url) -> Option<Url> {
    let page = manifest_url.join(&manifest.first_page.as_ref()?.reference).ok()?;
    (page.origin() == manifest_url.origin() && page.origin() == job_url.origin()).then_some(page)
}

fn broken(manifest: &ValidManifest, status: StatusCode) -> Violation {
    let path = manifest
        .first_page
        .as_ref()
        .map_or("$", |page| page.path.as_str());
    Violation {
        path: path.to_owned(),
        rule: Rule::LinkBroken,
        level: Level::Warning,
        message: format!("the page answers {}", status.as_u16()),
    }
}

fn summary(manifest: &ValidManifest) -> ManifestSummary {
    let cut = |text: &str| text.chars().take(MOST_CHARACTERS).collect();
    ManifestSummary {
        version: cut(&manifest.version),
        id: cut(&manifest.id),
    }
}
