//! The handwritten digits beside this example, as PNG files.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// The side of a digit, in pixels.
pub(crate) const SIDE: usize = 8;

/// A digit: its pixels, row by row, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Digit {
    /// Gray values, 0 to 255.
    pub(crate) pixels: Vec<u8>,
    /// What the writer meant.
    pub(crate) label: usize,
}

/// The folder of the data.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data")
}

/// A grayscale PNG: width and pixels.
fn read_png(path: &Path) -> io::Result<(usize, Vec<u8>)> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let info = reader.next_frame(&mut pixels)?;
    if info.color_type != png::ColorType::Grayscale || info.bit_depth != png::BitDepth::Eight {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is not 8-bit grayscale", path.display())));
    }
    pixels.truncate(info.buffer_size());
    Ok((info.width as usize, pixels))
}

/// The single digits: `digits/NNN_L.png`, where L is the label.
pub(crate) fn single() -> io::Result<Vec<Digit>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder().join("digits"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    paths.iter().map(|path| Ok(Digit { pixels: read_png(path)?.1, label: label(path)? })).collect()
}

fn label(path: &Path) -> io::Result<usize> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.rsplit_once('_'));
    let label = name.and_then(|(_, label)| label.parse().ok());
    label.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} has no label", path.display())))
}

/// All held-out digits: the tiles of `heldout.png`, labelled by `heldout.txt`.
pub(crate) fn held_out() -> io::Result<Vec<Digit>> {
    let (width, pixels) = read_png(&folder().join("heldout.png"))?;
    let labels = std::fs::read_to_string(folder().join("heldout.txt"))?;
    let labels = labels.chars().filter_map(|c| c.to_digit(10));
    let columns = width / SIDE;
    let tile = |index: usize| {
        let (left, top) = (index % columns * SIDE, index / columns * SIDE);
        (0..SIDE).flat_map(|row| pixels[(top + row) * width + left..][..SIDE].to_vec()).collect()
    };
    Ok(labels.enumerate().map(|(index, label)| Digit { pixels: tile(index), label: label as usize }).collect())
}
