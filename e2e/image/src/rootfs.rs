//! The one layer: the root file system that the program finds.

use std::io::Write as _;

use tar::{Builder, EntryType, Header};

use crate::{BuildError, Image};

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnobody:x:65532:65532:nobody:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnobody:x:65532:\n";

/// The layer as an uncompressed tar.
pub(crate) fn layer(image: &Image, program: &[u8]) -> Result<Vec<u8>, BuildError> {
    let path = inner_path(&image.entrypoint)?;
    let mut tar = Tar::default();
    tar.directory("etc", 0o755);
    tar.file("etc/group", 0o644, GROUP.as_bytes());
    tar.file("etc/passwd", 0o644, PASSWD.as_bytes());
    tar.directory("tmp", 0o1777);
    for (end, _) in path.match_indices('/') {
        tar.directory(&path[..end], 0o755);
    }
    tar.file(path, 0o755, program);
    Ok(tar.finish())
}

/// An absolute path as a tar names it.
fn inner_path(entrypoint: &str) -> Result<&str, BuildError> {
    let refuse = || BuildError::Entrypoint(entrypoint.to_owned());
    let path = entrypoint.strip_prefix('/').ok_or_else(refuse)?;
    let mut steps = path.split('/');
    let letter = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let plain = path.chars().all(letter) && path.len() <= 100;
    let taken = matches!(steps.clone().next(), Some("etc" | "tmp"));
    if !plain || taken || steps.any(|step| matches!(step, "" | "." | "..")) {
        return Err(refuse());
    }
    Ok(path)
}

/// A tar of root's files without times.
pub(crate) struct Tar(Builder<Vec<u8>>);

impl Default for Tar {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Tar {
    pub(crate) fn directory(&mut self, path: &str, mode: u32) {
        self.entry(&format!("{path}/"), EntryType::Directory, mode, &[]);
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, EntryType::Regular, mode, content);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut bytes = self.0.into_inner().expect("a write into memory does not fail");
        bytes.flush().expect("a write into memory does not fail");
        bytes
    }

    fn entry(&mut self, path: &str, kind: EntryType, mode: u32, content: &[u8]) {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        self.0
            .append_data(&mut header, path, content)
            .expect("paths are plain and at most 100 bytes, and a write into memory does not fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_point_is_an_absolute_plain_path_of_its_own() {
        assert_eq!(inner_path("/usr/bin/panel").unwrap(), "usr/bin/panel");
        for wrong in [
            "panel",
            "/",
            "/a//b",
            "/a/../b",
            "/a/",
            "/etc/passwd",
            "/tmp",
            "/pa nel",
            "/ünder",
        ] {
            assert!(inner_path(wrong).is_err(), "{wrong}");
        }
    }
}
