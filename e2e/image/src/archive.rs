//! The archive: blobs by their digests, and two tables of contents that point to them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::reference::Reference;
use crate::rootfs::Tar;
use crate::{Built, Image};

/// A fixed moment: the image is what its content is, whenever it was built.
const CREATED: &str = "1970-01-01T00:00:00Z";

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Content with its digest.
struct Blob<'a> {
    hex: String,
    content: &'a [u8],
}

impl<'a> Blob<'a> {
    fn new(content: &'a [u8]) -> Self {
        let hex = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { hex, content }
    }

    fn digest(&self) -> String {
        format!("sha256:{}", self.hex)
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.hex)
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": self.digest(), "size": self.content.len()})
    }
}

/// Puts the layer, its configuration and its manifest into one archive.
pub(crate) fn pack(image: &Image, reference: &Reference<'_>, architecture: &str, layer: &[u8]) -> Built {
    let layer = Blob::new(layer);
    let user = image.user;
    let config = json!({
        "created": CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": {
            // A number, since a cluster can check a number, and not a name, against runAsNonRoot.
            "User": format!("{user}:{user}"),
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": [image.entrypoint],
            "WorkingDir": "/",
            "Labels": image.labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest()]},
        "history": [{"created": CREATED, "created_by": format!("COPY {}", image.entrypoint)}],
    })
    .to_string();
    let config = Blob::new(config.as_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(CONFIG),
        "layers": [layer.descriptor(LAYER)],
        "annotations": image.labels,
    })
    .to_string();
    let manifest = Blob::new(manifest.as_bytes());

    let mut entry = manifest.descriptor(MANIFEST);
    entry["platform"] = json!({"architecture": architecture, "os": "linux"});
    entry["annotations"] = json!({
        // The name in full, for containerd; the tag, for the others.
        "io.containerd.image.name": reference.whole,
        "org.opencontainers.image.ref.name": reference.tag,
    });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
    let docker = json!([{"Config": config.path(), "RepoTags": [reference.whole], "Layers": [layer.path()]}]);

    let mut tar = Tar::default();
    tar.file(
        "oci-layout",
        0o644,
        json!({"imageLayoutVersion": "1.0.0"}).to_string().as_bytes(),
    );
    tar.file("index.json", 0o644, index.to_string().as_bytes());
    tar.file("manifest.json", 0o644, docker.to_string().as_bytes());
    tar.directory("blobs", 0o755);
    tar.directory("blobs/sha256", 0o755);
    for blob in [&manifest, &config, &layer] {
        tar.file(&blob.path(), 0o644, blob.content);
    }
    Built {
        digest: manifest.digest(),
        config_digest: config.digest(),
        size: layer.content.len() as u64,
        archive: tar.finish(),
    }
}
