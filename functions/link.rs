//! The build script of every function: how its package is linked, which is to be small.
//!
//! It holds no unwind tables, which are a tenth of it: where a panic aborts, only a backtrace reads them, and a stripped binary has
//! none worth reading. Rust has a flag for it (`force-unwind-tables`), but flags hold for all profiles, and tests unwind.
//!
//! Functions and data that resemble each other lie side by side, if the linker can do that: it packs 6 % smaller.

use std::io::{Result, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// LLVM's linker knows it from version 20 on.
const SORTED: &str = "-Wl,--bp-compression-sort=both";

fn main() -> Result<()> {
    let script = Path::new(&variable("CARGO_MANIFEST_DIR")).with_file_name("discard-unwind-tables.ld");
    let linker = format!("CARGO_TARGET_{}_LINKER", variable("TARGET").to_uppercase().replace('-', "_"));
    writeln!(stdout(), "cargo::rerun-if-changed={}\ncargo::rerun-if-env-changed={linker}", script.display())?;
    // As profile `lambda` has it, and no other.
    let is_glibc = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if variable("OPT_LEVEL") == "z" && is_glibc {
        writeln!(stdout(), "cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display())?;
        if links_with(SORTED)? {
            writeln!(stdout(), "cargo::rustc-link-arg-bins={SORTED}")?;
        }
    }
    Ok(())
}

/// Whether the linker of this build takes an argument, by linking the smallest program with it. GNU's takes no unknown one, and `zig cc`,
/// which is LLVM's, hands on only what it knows itself.
fn links_with(argument: &str) -> Result<bool> {
    let folder = PathBuf::from(variable("OUT_DIR"));
    let source = folder.join("smallest.rs");
    fs::write(&source, "fn main() {}")?;
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--target", &variable("TARGET"), "-C", &format!("link-arg={argument}"), "-o"]);
    rustc.arg(folder.join("smallest")).arg(source);
    let linker = variable("RUSTC_LINKER");
    if !linker.is_empty() {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    Ok(rustc.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
