//! The ONNX importer, and what is built of the models that it takes: `cargo +nightly fuzz run onnx`.
#![no_main]

#[allow(dead_code, reason = "each target uses its part")]
#[path = "../../tensorrt-emulator/tests/robustness/harness.rs"]
mod harness;
#[allow(dead_code, reason = "the mutations are libFuzzer's")]
#[path = "../../tensorrt-emulator/tests/robustness/random.rs"]
mod random;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::onnx(bytes, None).run();
});
