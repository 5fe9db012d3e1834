//! The archive that people download.

use std::fs;

use anyhow::{Context, Result};

use crate::run::{cargo, command, output, run};
use crate::{root, ui};

/// Builds the program with all optimisations and the UI in it, and packs it with its texts and the ready monitoring folders.
pub fn dist() -> Result<()> {
    ui::build()?;
    run(cargo().args(["build", "--profile", "dist", "--package", "stonechat"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let version = output(command(target.join("dist/stonechat")).arg("--version"))?;
    let version = version
        .split_whitespace()
        .nth(1)
        .context("the program prints no version")?
        .to_owned();
    let name = format!(
        "stonechat-{version}-{}-{}",
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    let folder = target.join("dist").join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::copy(target.join("dist/stonechat"), folder.join("stonechat"))?;
    for text in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root().join(text), folder.join(text))
            .with_context(|| format!("{text} cannot be copied"))?;
    }
    run(command("cp").arg("-r").arg("monitoring").arg(&folder))?;
    let archive = target.join("dist").join(format!("{name}.tar.gz"));
    run(command("tar")
        .arg("-C")
        .arg(target.join("dist"))
        .arg("-czf")
        .arg(&archive)
        .arg(&name))?;
    println!(
        "{} ({} KiB)",
        archive.display(),
        fs::metadata(&archive)?.len() / 1024
    );
    Ok(())
}
