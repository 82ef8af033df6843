//! The workspace's own commands: codegen, tests, checks.

fn main() {}
