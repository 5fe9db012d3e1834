//! Makes sure that the folder of the built web UI exists, so that the program compiles without Node.js.

fn main() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    // When it cannot be made, the embedding below fails with its own clear message.
    let _ = std::fs::create_dir_all(&folder);
    println!("cargo::rerun-if-changed=../../ui/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
