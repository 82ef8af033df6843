//! The main job in one program: an ONNX file becomes an engine, and the engine reads handwritten digits, asynchronously.
//!
//! ```text
//! cargo run --release --example digits            on the emulator, on any machine
//! cargo run --release --example digits -- --gpu   on NVIDIA's TensorRT and a GPU
//! ```
#![forbid(unsafe_code)]

mod data;

use std::error::Error;
use std::time::Instant;

use data::{Digit, SIDE};
use ndarray::{Array2, Array4, ArrayView2, Axis};
use tensorrt::{Engine, EngineBuilder, Library, OptimizationProfile, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let library = match std::env::args().nth(1).as_deref() {
        None => tensorrt_emulator::library(),
        Some("--gpu") => Library::load()?,
        Some(other) => return Err(format!("unknown option {other}; there is --gpu").into()),
    };

    // Build: once, for batches of 1 to 32 digits.
    let start = Instant::now();
    let plan = EngineBuilder::from_onnx(&library, data::folder().join("digits.onnx"))?
        .profile(OptimizationProfile::new().input("image", [1, 1, 8, 8], [16, 1, 8, 8], [32, 1, 8, 8])?)
        .build()?;
    println!("{}: built {} bytes in {:.0?}\n", library.info(), plan.as_bytes().len(), start.elapsed());

    // Run: the future is woken by the stream when the answers are there.
    let engine = Engine::from_plan(&library, &plan)?;
    let mut session = Session::new(&engine)?;
    let digits = data::single()?;
    let answers: Array2<f32> = pollster::block_on(async {
        let outputs = session.run_async([("image", &images(&digits))]).await?;
        outputs.array::<f32>("probabilities")
    })?
    .into_dimensionality()?;
    for (row, answers) in digits.chunks(5).zip(answers.axis_chunks_iter(Axis(0), 5)).take(3) {
        show(row, answers);
    }

    // The whole held-out set is larger than the profile's batch: it is run in batches.
    let held_out = data::held_out()?;
    let answers: Array2<f32> =
        session.predict_batch([("image", &images(&held_out))])?.array("probabilities")?.into_dimensionality()?;
    let right =
        held_out.iter().zip(answers.rows()).filter(|(digit, row)| best(row.as_slice()).0 == digit.label).count();
    println!(
        "{right} of {} held-out digits are read correctly: {:.1} %",
        held_out.len(),
        percent(right, held_out.len())
    );
    Ok(())
}

/// The network's input: [N, 1, 8, 8], 0 to 1.
fn images(digits: &[Digit]) -> Array4<f32> {
    Array4::from_shape_fn((digits.len(), 1, SIDE, SIDE), |(n, _, y, x)| {
        f32::from(digits[n].pixels[y * SIDE + x]) / 255.0
    })
}

/// The most probable class of a row, and its probability.
fn best(row: Option<&[f32]>) -> (usize, f32) {
    let row = row.unwrap_or_default();
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or((0, 0.0), |(class, &probability)| (class, probability))
}

/// Digits side by side, each above its label and the answer.
fn show(digits: &[Digit], answers: ArrayView2<'_, f32>) {
    for y in 0..SIDE {
        let lines = digits.iter().map(|digit| {
            let pixels = &digit.pixels[y * SIDE..(y + 1) * SIDE];
            pixels.iter().map(|&gray| ["  ", "░░", "▒▒", "▓▓", "██"][usize::from(gray) * 5 / 256]).collect::<String>()
        });
        println!("{}", lines.collect::<Vec<_>>().join("   "));
    }
    let captions = digits.iter().zip(answers.rows()).map(|(digit, row)| {
        let (class, probability) = best(row.as_slice());
        let mark = if class == digit.label { ' ' } else { '!' };
        format!("{:<16}", format!("{}: read {class} {:.0} %{mark}", digit.label, probability * 100.0))
    });
    println!("{}\n", captions.collect::<Vec<_>>().join("   "));
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred digits")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64 * 100.0
}
