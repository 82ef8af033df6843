//! Models with reference inputs and outputs: the manifests that `xtask/python/oracle.py` writes. The tests of the emulator read them, too.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A manifest and its folder.
pub(crate) struct Oracle {
    folder: PathBuf,
    manifest: Value,
}

/// A model of a manifest.
#[derive(Clone, Copy)]
pub(crate) struct Model<'o> {
    folder: &'o Path,
    entry: &'o Value,
}

/// An input of a model and its shapes at the minimum, the optimum and the maximum.
pub(crate) struct Input<'o> {
    pub(crate) name: &'o str,
    pub(crate) shapes: [Vec<i64>; 3],
}

/// Inputs and the outputs for them.
pub(crate) struct Case<'o> {
    pub(crate) name: &'o str,
    pub(crate) inputs: Vec<Array>,
    pub(crate) outputs: Vec<Array>,
    /// What is decided by an output, as far as the model decides something.
    pub(crate) decision: &'o Value,
}

/// An array of NumPy's format 1.0, little-endian, C order; the manifest has its type and shape.
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
    /// The scale of an output's elements, which tolerances are relative to.
    pub(crate) scale: f64,
    /// Parts of an output with scales of their own.
    pub(crate) parts: Vec<Part>,
}

/// The elements with indices from `start` to `stop` along an axis.
pub(crate) struct Part {
    pub(crate) axis: usize,
    pub(crate) start: usize,
    pub(crate) stop: usize,
    pub(crate) scale: f64,
}

impl Oracle {
    pub(crate) fn open(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let path = folder.join("manifest.json");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { manifest: serde_json::from_slice(&bytes).unwrap(), folder }
    }

    pub(crate) fn models(&self) -> impl Iterator<Item = Model<'_>> {
        list(&self.manifest["models"]).iter().map(|entry| Model { folder: &self.folder, entry })
    }

    pub(crate) fn model(&self, name: &str) -> Model<'_> {
        let found = self.models().find(|model| model.name() == name);
        found.unwrap_or_else(|| panic!("the manifest has no {name}"))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

impl<'o> Model<'o> {
    pub(crate) fn name(&self) -> &'o str {
        self.entry["name"].as_str().unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(self.entry["model"].as_str().unwrap())
    }

    pub(crate) fn tolerance(&self) -> f64 {
        self.entry["tolerance"].as_f64().unwrap()
    }

    /// The words that the classes of the model stand for.
    pub(crate) fn dictionary(&self) -> Vec<String> {
        let path = self.folder.join(self.entry["dictionary"].as_str().unwrap());
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// The inputs and their ranges.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Input<'o>> {
        let extents = |value: &Value| list(value).iter().map(|extent| extent.as_i64().unwrap()).collect();
        list(&self.entry["inputs"]).iter().map(move |input| Input {
            name: input["name"].as_str().unwrap(),
            shapes: ["min", "opt", "max"].map(|which| extents(&input[which])),
        })
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = Case<'o>> {
        let folder = self.folder;
        list(&self.entry["cases"]).iter().map(move |case| {
            let arrays = |which: &str| list(&case[which]).iter().map(|entry| Array::read(folder, entry)).collect();
            Case {
                name: case["name"].as_str().unwrap(),
                inputs: arrays("inputs"),
                outputs: arrays("outputs"),
                decision: &case["decision"],
            }
        })
    }
}

impl Array {
    fn read(folder: &Path, entry: &Value) -> Self {
        let path = folder.join(entry["file"].as_str().unwrap());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{}", path.display());
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let part = |part: &Value| Part {
            axis: number(&part["axis"]),
            start: number(&part["start"]),
            stop: number(&part["stop"]),
            scale: part["scale"].as_f64().unwrap(),
        };
        Self {
            name: entry["name"].as_str().unwrap().to_owned(),
            dtype: entry["dtype"].as_str().unwrap().to_owned(),
            shape: list(&entry["shape"]).iter().map(number).collect(),
            bytes: bytes[10 + header..].to_vec(),
            scale: entry["scale"].as_f64().unwrap_or(1.0),
            parts: list(&entry["parts"]).iter().map(part).collect(),
        }
    }

    pub(crate) fn floats(&self) -> Vec<f32> {
        self.bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
    }

    pub(crate) fn int64s(&self) -> Vec<i64> {
        self.bytes.as_chunks::<8>().0.iter().map(|&eight| i64::from_le_bytes(eight)).collect()
    }

    pub(crate) fn int32s(&self) -> Vec<i32> {
        self.bytes.as_chunks::<4>().0.iter().map(|&four| i32::from_le_bytes(four)).collect()
    }
}
