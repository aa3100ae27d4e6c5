//! Container images from scratch: one static program, `/etc/passwd`, `/tmp`, and nothing else.
//!
//! The archive is an OCI image layout and a `docker load` archive at once (both point to the same blobs), so
//! `ctr images import`, `docker load`, `podman load` and `skopeo copy {oci,docker}-archive:` all read it. The
//! same input gives the same bytes: no clock, no owner, no order of a directory goes in.
//!
//! Sources: OCI image layout and image specification 1.1; Docker image specification 1.2 for `manifest.json`.

mod archive;
mod binary;
mod reference;
mod rootfs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The user that images run as unless told otherwise: `nobody` of `/etc/passwd`.
pub const NOBODY: u32 = 65532;

/// What the image is, apart from its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Registry, repository and tag, such as `registry.example.org/panel:1.0.0`.
    pub reference: String,
    /// Where the program lies in the image, absolute; it is the entry point.
    pub entrypoint: String,
    /// The number of the user (and group) that the program runs as.
    pub user: u32,
    /// Labels, such as `org.opencontainers.image.version`.
    pub labels: BTreeMap<String, String>,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The digest by which registries and nodes know the image: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The digest of the configuration, which container runtimes show as the image's id.
    pub config_digest: String,
    /// Size of all layers, bytes, uncompressed.
    pub size: u64,
    /// The archive.
    pub archive: Vec<u8>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Not a name that container runtimes understand without adding to it.
    #[error("reference {reference:?}: {problem}: give one such as registry.example.org/panel:1.0.0")]
    Reference {
        /// What was given.
        reference: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The entry point cannot be a file of the image.
    #[error(
        "entrypoint {0:?}: give an absolute path of letters, digits, dots, dashes and slashes, not in /etc or /tmp"
    )]
    Entrypoint(String),
    /// The program would not start in an empty root.
    #[error("binary: {0}")]
    Binary(#[from] NotUsable),
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a program would not start in an empty root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// Not a program of Linux at all, or cut short.
    #[error("not a 64-bit ELF program for Linux")]
    NotElf,
    /// It needs a dynamic linker, which the image does not have.
    #[error(
        "dynamically linked: build it with RUSTFLAGS=\"-C target-feature=+crt-static\" and an explicit --target"
    )]
    Dynamic,
    /// A processor that is none of `amd64` and `arm64`.
    #[error("for a processor other than amd64 and arm64")]
    Machine,
}

/// Builds an image around a program.
///
/// # Errors
/// The reference, the entry point or the program cannot be used; see [`BuildError`].
pub fn build(image: &Image, binary: &[u8]) -> Result<Built, BuildError> {
    let reference = reference::parse(&image.reference)?;
    let architecture = binary::architecture(binary)?;
    let layer = rootfs::layer(image, binary)?;
    Ok(archive::pack(image, &reference, architecture, &layer))
}

/// Builds an image around a program file and writes the archive; a reader of `out` never sees half of it.
///
/// # Errors
/// As [`build`], or a file cannot be read or written.
pub fn build_file(out: &Path, image: &Image, binary: &Path) -> Result<Built, BuildError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| BuildError::File { what, path, source }
    };
    let program = std::fs::read(binary).map_err(failed("read", binary))?;
    let built = build(image, &program)?;
    let mut unfinished = OsString::from(out);
    unfinished.push(format!(".{}.unfinished", std::process::id()));
    std::fs::write(&unfinished, &built.archive).map_err(failed("write", out))?;
    if let Err(source) = std::fs::rename(&unfinished, out) {
        std::fs::remove_file(&unfinished).ok();
        return Err(failed("write", out)(source));
    }
    Ok(built)
}
