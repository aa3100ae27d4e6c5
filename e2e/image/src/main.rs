//! `build-image`: a container image from one static program.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use image_builder::{Image, NOBODY};

/// Writes a container image around one static program, to import with ctr, docker, podman or skopeo.
#[derive(Debug, Parser)]
#[command(name = "build-image", version)]
struct Arguments {
    /// The archive to write
    out: PathBuf,
    /// Registry, repository and tag, such as registry.example.org/panel:1.0.0
    reference: String,
    /// The program: static, for Linux
    binary: PathBuf,
    /// Where the program lies in the image [default: / and the name of its file]
    #[arg(long)]
    entrypoint: Option<String>,
    /// The number of the user that the program runs as
    #[arg(long, default_value_t = NOBODY)]
    user: u32,
    /// A label, such as org.opencontainers.image.version=1.0.0; may be given often
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("give it as key=value".to_owned()),
    }
}

fn main() -> ExitCode {
    let Arguments {
        out,
        reference,
        binary,
        entrypoint,
        user,
        labels,
    } = Arguments::parse();
    let entrypoint = entrypoint.unwrap_or_else(|| {
        let name = binary.file_name().unwrap_or_default();
        format!("/{}", name.to_string_lossy())
    });
    let image = Image {
        reference,
        entrypoint,
        user,
        labels: labels.into_iter().collect(),
    };
    match image_builder::build_file(&out, &image, &binary) {
        Ok(built) => {
            println!("{}@{} ({} bytes)", image.reference, built.digest, built.size);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("build-image: {error}");
            ExitCode::FAILURE
        }
    }
}
