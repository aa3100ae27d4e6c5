//! The UI manifest: built for one plugin and product, and bent out of shape on request.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::misbehave::{Invalid, ManifestFault};

/// The Wazo client that a manifest is for: the `productType` of the manifest. One manifest serves one product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Desktop and web.
    #[default]
    App,
    /// iOS and Android.
    Mobile,
}

/// More than any client or operator should be willing to read: the padding of [`ManifestFault::Huge`], bytes.
const HUGE: usize = 3 * 512 * 1024;
/// The longest `name.short` that a manifest may have, characters.
const SHORT_NAME: usize = 30;

/// A manifest with every required field, relative links, and the optional fields that real plugins use.
pub(crate) fn build(name: &str, version: &str, product: Product) -> Value {
    let title = title(name);
    let package: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut tab = json!({
        "entityId": "panel",
        "context": [match product { Product::App => "sidebarTab", Product::Mobile => "mobileTab" }],
        "name": title,
        "contentUrl": "./index.html",
        "icon": "./tab.svg",
    });
    if product == Product::Mobile {
        tab["mobileIcon"] = json!("browsers-outline");
    }
    let mut manifest = json!({
        "manifestVersion": "0.1",
        "version": version,
        "id": name,
        "packageName": format!("com.example.{package}"),
        "productType": product,
        "name": {
            "short": title.chars().take(SHORT_NAME).collect::<String>(),
            "full": format!("{title}, an example plugin"),
        },
        "description": {
            "short": "An example plugin for Wazo",
            "full": "Shows one page in a tab. It serves its own manifest, icons and texts, and nothing else.",
        },
        "icons": {"color": "./icon-color.svg", "outline": "./icon-outline.svg"},
        "developer": {
            "name": "Example Partner",
            "websiteUrl": "https://example.com",
            "privacyUrl": "https://example.com/privacy",
        },
        "requirements": {"minStackVersion": "23.01"},
        "accentColor": "#0b7285",
        "staticTabs": [tab],
        "localizationInfo": {
            "defaultLanguageTag": "en",
            "additionalLanguages": [
                {"languageTag": "en", "file": "./locales/en.json"},
                {"languageTag": "fr", "file": "./locales/fr.json"},
            ],
        },
    });
    if product == Product::App {
        // A background script runs in the host page, which only the desktop and web clients have.
        manifest["backgroundScript"] = json!("./background.js");
    }
    manifest
}

/// Bends the manifest's content. Faults that are about the answer and not the content leave it as it is.
///
/// # Errors
/// The path of the fault names nothing in the manifest.
pub(crate) fn bend(manifest: &mut Value, fault: &ManifestFault) -> Result<(), Invalid> {
    match fault {
        ManifestFault::Without(path) => {
            let (parent, leaf) = parent_of(manifest, path)?;
            let gone = match parent {
                Value::Object(fields) => fields.shift_remove(&leaf).is_some(),
                Value::Array(items) => match leaf.parse::<usize>() {
                    Ok(index) if index < items.len() => {
                        items.remove(index);
                        true
                    }
                    _ => false,
                },
                _ => false,
            };
            if gone {
                Ok(())
            } else {
                Err(Invalid::NoSuchField { path: path.clone() })
            }
        }
        ManifestFault::With { path, value } => {
            let (parent, leaf) = parent_of(manifest, path)?;
            match parent {
                Value::Object(fields) => {
                    fields.insert(leaf, value.clone());
                    Ok(())
                }
                Value::Array(items) => {
                    let item = leaf.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                    *item.ok_or_else(|| Invalid::NoSuchField { path: path.clone() })? = value.clone();
                    Ok(())
                }
                _ => Err(Invalid::NoSuchField { path: path.clone() }),
            }
        }
        ManifestFault::Huge => {
            manifest["padding"] = Value::String("x".repeat(HUGE));
            Ok(())
        }
        ManifestFault::NotJson
        | ManifestFault::NotFound
        | ManifestFault::RedirectLoop
        | ManifestFault::RedirectTo(_)
        | ManifestFault::CutOff
        | ManifestFault::Trickle => Ok(()),
    }
}

/// `staticTabs[0].name`, with or without a leading `$.`, as the value that holds the last step and that step.
fn parent_of<'a>(manifest: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Invalid> {
    let steps = path
        .strip_prefix("$.")
        .unwrap_or(path)
        .replace('[', ".")
        .replace(']', "");
    let (parents, leaf) = match steps.rsplit_once('.') {
        Some((parents, leaf)) => (format!("/{}", parents.replace('.', "/")), leaf),
        None => (String::new(), steps.as_str()),
    };
    if leaf.is_empty() {
        return Err(Invalid::NoSuchField {
            path: path.to_owned(),
        });
    }
    let parent = manifest
        .pointer_mut(&parents)
        .ok_or_else(|| Invalid::NoSuchField {
            path: path.to_owned(),
        })?;
    Ok((parent, leaf.to_owned()))
}

/// `crm-panel` as people write it: `Crm panel`.
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent(fault: &ManifestFault) -> Value {
        let mut manifest = build("crm-panel", "1.0.0", Product::App);
        bend(&mut manifest, fault).unwrap();
        manifest
    }

    #[test]
    fn the_short_name_is_cut_to_what_the_manifest_allows() {
        let manifest = build(&"a".repeat(60), "1.0.0", Product::App);
        assert_eq!(
            manifest["name"]["short"].as_str().unwrap().chars().count(),
            SHORT_NAME
        );
    }

    #[test]
    fn a_field_is_removed_by_its_json_path() {
        assert_eq!(
            bent(&ManifestFault::Without("$.name.short".into()))["name"].get("short"),
            None
        );
        assert_eq!(bent(&ManifestFault::Without("id".into())).get("id"), None);
        let tabs = &bent(&ManifestFault::Without("staticTabs[0].contentUrl".into()))["staticTabs"];
        assert_eq!(tabs[0].get("contentUrl"), None);
        assert_eq!(tabs[0]["entityId"], "panel");
        assert_eq!(
            bent(&ManifestFault::Without("staticTabs[0]".into()))["staticTabs"],
            json!([])
        );
    }

    #[test]
    fn a_field_is_replaced_by_its_json_path() {
        let fault = ManifestFault::With {
            path: "staticTabs[0].context".into(),
            value: json!("sidebarTab"),
        };
        assert_eq!(bent(&fault)["staticTabs"][0]["context"], "sidebarTab");
    }

    #[test]
    fn a_path_that_names_nothing_is_refused() {
        for path in [
            "",
            "nothing",
            "name.",
            "name.short.deeper",
            "staticTabs[7]",
            "staticTabs[x].name",
        ] {
            let fault = ManifestFault::Without(path.into());
            let refused = bend(&mut build("crm-panel", "1.0.0", Product::App), &fault);
            assert_eq!(refused, Err(Invalid::NoSuchField { path: path.into() }), "{path}");
        }
    }

    #[test]
    fn a_mobile_manifest_has_a_mobile_tab_and_no_background_script() {
        let manifest = build("crm-panel", "1.0.0", Product::Mobile);
        assert_eq!(manifest["productType"], "mobile");
        assert_eq!(manifest["staticTabs"][0]["context"], json!(["mobileTab"]));
        assert_eq!(manifest.get("backgroundScript"), None);
    }
}
