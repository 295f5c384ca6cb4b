"""What the local AWS adds to two emulators that nobody here wrote. Started by the Rust crate `local-stack`, never by hand."""
