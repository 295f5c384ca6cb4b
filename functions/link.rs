//! The build script of every function: a package holds no unwind tables, which are a tenth of it.
//!
//! Where a panic aborts, only a backtrace reads them, and a stripped binary has none worth reading. Rust has a flag for it
//! (`force-unwind-tables`), but flags hold for all profiles, and tests unwind.

use std::io::{Write, stdout};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let manifest = variable("CARGO_MANIFEST_DIR");
    let script = Path::new(&manifest).with_file_name("discard-unwind-tables.ld");
    writeln!(stdout(), "cargo::rerun-if-changed={}", script.display())?;
    // As profile `lambda` has it, and no other.
    let is_glibc = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if variable("OPT_LEVEL") == "z" && is_glibc {
        writeln!(stdout(), "cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display())?;
    }
    Ok(())
}
