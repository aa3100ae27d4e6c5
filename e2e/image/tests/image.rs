//! What is in an image, read back as a container runtime would.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use image_builder::{BuildError, Built, Image, NOBODY, NotUsable};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const AMD64: u16 = 62;
const ARM64: u16 = 183;
const RISCV: u16 = 243;
const LOAD: u32 = 1;
const INTERP: u32 = 3;

/// The least that is an ELF program: a header and one segment.
fn program(machine: u16, segment: u32) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    elf.extend(2_u16.to_le_bytes());
    elf.extend(machine.to_le_bytes());
    elf.extend(1_u32.to_le_bytes());
    for word in [0x40_0000_u64, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 64, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend(segment.to_le_bytes());
    elf.resize(64 + 56, 0);
    elf
}

fn image() -> Image {
    Image {
        reference: "registry.example.org/team/panel:1.0.0".into(),
        entrypoint: "/usr/bin/panel".into(),
        user: NOBODY,
        labels: BTreeMap::from([("org.opencontainers.image.version".into(), "1.0.0".into())]),
    }
}

fn built() -> Built {
    image_builder::build(&image(), &program(AMD64, LOAD)).unwrap()
}

struct Entry {
    kind: tar::EntryType,
    mode: u32,
    stamp: (u64, u64, u64),
    content: Vec<u8>,
}

fn entries(archive: &[u8]) -> BTreeMap<String, Entry> {
    let mut archive = tar::Archive::new(archive);
    let read = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let stamp = (
            header.uid().unwrap(),
            header.gid().unwrap(),
            header.mtime().unwrap(),
        );
        let (kind, mode) = (header.entry_type(), header.mode().unwrap());
        (
            entry.path().unwrap().display().to_string(),
            Entry {
                kind,
                mode,
                stamp,
                content,
            },
        )
    });
    read.collect()
}

fn json_of(files: &BTreeMap<String, Entry>, path: &str) -> Value {
    serde_json::from_slice(&files[path].content).unwrap()
}

/// The blob of a descriptor, its digest and size checked.
fn blob<'a>(files: &'a BTreeMap<String, Entry>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let content = &files[&format!("blobs/{}", digest.replace(':', "/"))].content;
    let real: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, format!("sha256:{real}"));
    assert_eq!(descriptor["size"], content.len());
    content
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_input_another_digest() {
    assert_eq!(built(), built());
    let mut other = program(AMD64, LOAD);
    other.push(0);
    assert_ne!(
        image_builder::build(&image(), &other).unwrap().digest,
        built().digest
    );
    let renamed = Image {
        reference: "registry.example.org/other:2".into(),
        ..image()
    };
    let renamed = image_builder::build(&renamed, &program(AMD64, LOAD)).unwrap();
    assert_eq!(
        renamed.digest,
        built().digest,
        "a name is not part of the content"
    );
}

#[test]
fn the_layout_leads_from_the_index_to_the_layer() {
    let built = built();
    let files = entries(&built.archive);
    assert_eq!(json_of(&files, "oci-layout")["imageLayoutVersion"], "1.0.0");
    let entry = &json_of(&files, "index.json")["manifests"][0];
    assert_eq!(entry["digest"], built.digest);
    assert_eq!(
        entry["annotations"]["io.containerd.image.name"],
        "registry.example.org/team/panel:1.0.0"
    );
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "1.0.0");
    let manifest: Value = serde_json::from_slice(blob(&files, entry)).unwrap();
    assert_eq!(manifest["config"]["digest"], built.config_digest);
    let config: Value = serde_json::from_slice(blob(&files, &manifest["config"])).unwrap();
    let layer = blob(&files, &manifest["layers"][0]);
    assert_eq!(
        config["rootfs"]["diff_ids"],
        json!([manifest["layers"][0]["digest"]])
    );
    assert_eq!(layer.len() as u64, built.size);

    let docker = &json_of(&files, "manifest.json")[0];
    assert_eq!(
        docker["RepoTags"],
        json!(["registry.example.org/team/panel:1.0.0"])
    );
    assert_eq!(files[docker["Layers"][0].as_str().unwrap()].content, layer);
    assert_eq!(json_of(&files, docker["Config"].as_str().unwrap()), config);
}

#[test]
fn the_configuration_names_a_numeric_user_and_the_program() {
    let built = built();
    let config = json_of(
        &entries(&built.archive),
        &format!("blobs/{}", built.config_digest.replace(':', "/")),
    );
    assert_eq!(
        (&config["architecture"], &config["os"]),
        (&json!("amd64"), &json!("linux"))
    );
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], json!(["/usr/bin/panel"]));
    assert_eq!(
        config["config"]["Labels"],
        json!({"org.opencontainers.image.version": "1.0.0"})
    );
    let arm = image_builder::build(&image(), &program(ARM64, LOAD)).unwrap();
    let config = json_of(
        &entries(&arm.archive),
        &format!("blobs/{}", arm.config_digest.replace(':', "/")),
    );
    assert_eq!(config["architecture"], "arm64");
}

#[test]
fn the_root_holds_the_program_a_user_and_a_place_for_temporary_files() {
    let built = built();
    let files = entries(&built.archive);
    let docker = json_of(&files, "manifest.json");
    let root = entries(&files[docker[0]["Layers"][0].as_str().unwrap()].content);
    let names: Vec<_> = root.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "etc/",
            "etc/group",
            "etc/passwd",
            "tmp/",
            "usr/",
            "usr/bin/",
            "usr/bin/panel"
        ]
    );
    assert!(
        root.values().all(|entry| entry.stamp == (0, 0, 0)),
        "owned by root, without a time"
    );
    assert_eq!(
        (root["tmp/"].kind, root["tmp/"].mode),
        (tar::EntryType::Directory, 0o1777)
    );
    assert_eq!(
        (root["usr/bin/panel"].mode, &root["usr/bin/panel"].content),
        (0o755, &program(AMD64, LOAD))
    );
    let passwd = String::from_utf8(root["etc/passwd"].content.clone()).unwrap();
    assert!(
        passwd
            .lines()
            .any(|line| line.starts_with("nobody:x:65532:65532:")),
        "{passwd}"
    );
}

#[test]
fn a_program_that_would_not_start_is_refused() {
    let cases = [
        (program(AMD64, INTERP), NotUsable::Dynamic),
        (program(RISCV, LOAD), NotUsable::Machine),
        (b"#!/bin/sh\n".to_vec(), NotUsable::NotElf),
        (program(AMD64, LOAD)[..80].to_vec(), NotUsable::NotElf),
        (Vec::new(), NotUsable::NotElf),
    ];
    for (binary, expected) in cases {
        let refused = image_builder::build(&image(), &binary);
        assert!(
            matches!(refused, Err(BuildError::Binary(reason)) if reason == expected),
            "{expected}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_named_and_nothing_is_left() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    std::fs::create_dir_all(&folder).unwrap();
    let binary = folder.join("panel");
    std::fs::write(&binary, program(AMD64, LOAD)).unwrap();
    let missing = image_builder::build_file(&folder.join("out.tar"), &image(), &folder.join("nothing"));
    assert!(
        missing.unwrap_err().to_string().starts_with("cannot read "),
        "names the file"
    );

    let taken = folder.join("taken");
    std::fs::create_dir_all(&taken).unwrap();
    assert!(image_builder::build_file(&taken, &image(), &binary).is_err());
    let left: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("unfinished")),
        "{left:?}"
    );

    let out = folder.join("out.tar");
    let built = image_builder::build_file(&out, &image(), &binary).unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), built.archive);
    std::fs::remove_dir_all(&folder).unwrap();
}
