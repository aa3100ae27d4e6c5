//! The cluster's DNS: single names are broken and mended in CoreDNS's own configuration, which it reads again at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::ground::signal;
use crate::trouble::Result;

/// The configuration of CoreDNS.
pub(crate) struct Dns {
    file: PathBuf,
    pid: u32,
    original: String,
    zones: Mutex<BTreeMap<String, String>>,
}

impl Dns {
    pub(crate) fn new(directory: &Path, pid: u32) -> Result<Self> {
        let file = directory.join("conf/Corefile");
        let original = std::fs::read_to_string(&file)?;
        Ok(Self {
            file,
            pid,
            original,
            zones: Mutex::default(),
        })
    }

    /// A name and all below it do not exist any more.
    pub(crate) fn unknown(&self, name: &str) -> Result {
        self.set(name, Some("template ANY ANY {\n rcode NXDOMAIN\n }".to_owned()))
    }

    /// Every question for a name fails.
    pub(crate) fn failing(&self, name: &str) -> Result {
        self.set(name, Some("template ANY ANY {\n rcode SERVFAIL\n }".to_owned()))
    }

    /// A name leads to another address.
    pub(crate) fn elsewhere(&self, name: &str, address: &str) -> Result {
        let answer = format!(
            "template IN A {{\n answer \"{{{{ .Name }}}} 5 IN A {address}\"\n }}\n template IN ANY {{\n rcode NOERROR\n }}"
        );
        self.set(name, Some(answer))
    }

    /// A name is again what it was.
    pub(crate) fn mend(&self, name: &str) -> Result {
        self.set(name, None)
    }

    fn set(&self, name: &str, plugins: Option<String>) -> Result {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        match plugins {
            Some(plugins) => drop(zones.insert(name.to_owned(), plugins)),
            None => drop(zones.remove(name)),
        }
        let mut text = self.original.clone();
        for (name, plugins) in zones.iter() {
            text.push_str(&format!("{name}:53 {{\n bind 10.244.0.1\n {plugins}\n}}\n"));
        }
        std::fs::write(&self.file, text)?;
        // CoreDNS takes up a new configuration without losing a question.
        signal(self.pid, "USR1")
    }
}
