//! Builds, inspects and times TensorRT engines from the command line, on a GPU or in emulation.
#![forbid(unsafe_code)]

mod options;

use clap::Parser;

fn main() {
    let options = options::Options::parse();
    println!("{options:?}");
}
