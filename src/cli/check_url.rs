//! The UI manifest at a URL, as a browser would load it and the operator's prober looks at it.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use url::Url;
use wazo_plugin_operator::api::ui_manifest::Product;
use wazo_plugin_operator::probe::{Cidr, Look, LookError, ProbeSettings, SystemNetwork, look_once};

use super::check::Finding;
use super::{CliError, read};

/// How a manifest at a URL is looked at.
#[derive(Debug, Args)]
#[command(next_help_heading = "For a URL")]
pub(crate) struct AtUrl {
    /// The product that the manifest is for
    #[arg(long, value_enum, default_value_t = ForProduct::App)]
    product: ForProduct,
    /// A PEM file with further certificate authorities to trust
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<String>,
    /// A range of private addresses that may be connected to, as in 10.1.0.0/16; may be given more than once
    #[arg(long = "allowed-cidr", value_name = "CIDR", value_delimiter = ',')]
    allowed_cidrs: Vec<Cidr>,
    /// The application whose browser is played: it must be allowed to read the manifest and to frame the page
    #[arg(long, value_name = "ORIGIN", default_value = "https://app.wazo.io")]
    origin: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ForProduct {
    App,
    Mobile,
}

impl AtUrl {
    /// What is wrong with the manifest at `url`, or with the way to it.
    pub(crate) fn look(&self, url: &str) -> Result<Vec<Finding>, CliError> {
        let parsed = match Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "https" => parsed,
            Ok(_) => {
                return Ok(vec![finding(
                    url,
                    "the applications load manifests by https only".to_owned(),
                )]);
            }
            Err(error) => return Ok(vec![finding(url, error.to_string())]),
        };
        let settings = ProbeSettings {
            extra_roots_pem: self.ca_bundle.as_deref().map(read).transpose()?,
            allowed_cidrs: self.allowed_cidrs.clone(),
            origin: self.origin.clone(),
            ..ProbeSettings::default()
        };
        let product = match self.product {
            ForProduct::App => Product::App,
            ForProduct::Mobile => Product::Mobile,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Start(error.to_string()))?;
        let looked = runtime.block_on(look_once(Arc::new(SystemNetwork), &settings, parsed, product));
        let (look, _) = looked.map_err(|error| CliError::Start(error.to_string()))?;
        Ok(match look {
            Look::Good { warnings } => warnings.into_iter().map(Finding::of_manifest).collect(),
            Look::Bad(LookError::Invalid(violations)) => {
                violations.into_iter().map(Finding::of_manifest).collect()
            }
            Look::Bad(error) => vec![finding(url, explained(&error))],
        })
    }
}

fn finding(url: &str, message: String) -> Finding {
    Finding {
        object: "UI manifest".to_owned(),
        path: url.to_owned(),
        message,
        error: true,
    }
}

/// The error, with what to do where that is not obvious.
fn explained(error: &LookError) -> String {
    let remedy = match error {
        LookError::AddressRefused { .. } => "name its range with --allowed-cidr if it is yours",
        LookError::Certificate { .. } => "name an authority of your own with --ca-bundle",
        LookError::CorsMissing => "answer the manifest with Access-Control-Allow-Origin: *",
        LookError::FramingForbidden { .. } => "allow the application's origin in frame-ancestors",
        _ => return error.to_string(),
    };
    format!("{error}: {remedy}")
}
