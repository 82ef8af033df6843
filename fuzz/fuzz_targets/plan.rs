//! The plan loader, and what runs of the plans that it takes: `cargo +nightly fuzz run plan`.
#![no_main]

#[allow(dead_code, reason = "each target uses its part")]
#[path = "../../tensorrt-emulator/tests/robustness/harness.rs"]
mod harness;
#[allow(dead_code, reason = "the mutations are libFuzzer's")]
#[path = "../../tensorrt-emulator/tests/robustness/random.rs"]
mod random;

#[allow(dead_code, reason = "the mutations are libFuzzer's")]
#[path = "../../tensorrt-emulator/tests/robustness/bytes.rs"]
mod bytes;
#[allow(dead_code, reason = "the mutations are libFuzzer's")]
#[path = "../../tensorrt-emulator/tests/robustness/plan.rs"]
mod plan;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Checksums are made right, or nothing but the checksums would be tested.
    let sealed = plan::resealed(bytes);
    harness::plan(sealed.as_deref().unwrap_or(bytes)).run();
});
