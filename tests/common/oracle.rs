//! Models with reference inputs and outputs: the manifests that `xtask/python/oracle.py` writes.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tensorrt::{EngineBuilder, Library, OptimizationProfile, Plan, Result};

/// A manifest and its folder.
pub(crate) struct Oracle {
    folder: PathBuf,
    manifest: Value,
}

/// A model of a manifest.
pub(crate) struct Model<'o> {
    folder: &'o Path,
    entry: &'o Value,
}

/// An array of NumPy's format 1.0, little-endian, C order; the manifest has its type and shape.
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) scale: f32,
}

impl Oracle {
    pub(crate) fn open(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let path = folder.join("manifest.json");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { manifest: serde_json::from_slice(&bytes).unwrap(), folder }
    }

    pub(crate) fn model(&self, name: &str) -> Model<'_> {
        let models = self.manifest["models"].as_array().unwrap();
        let entry = models.iter().find(|model| model["name"] == name);
        Model { folder: &self.folder, entry: entry.unwrap_or_else(|| panic!("the manifest has no {name}")) }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn extents(value: &Value) -> Vec<i64> {
    list(value).iter().map(|extent| extent.as_i64().unwrap()).collect()
}

impl Model<'_> {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(self.entry["model"].as_str().unwrap())
    }

    pub(crate) fn tolerance(&self) -> f32 {
        serde_json::from_value(self.entry["tolerance"].clone()).unwrap()
    }

    /// The profile that the manifest gives.
    pub(crate) fn profile(&self) -> OptimizationProfile {
        list(&self.entry["inputs"]).iter().fold(OptimizationProfile::new(), |profile, input| {
            let shape = |which: &str| extents(&input[which]);
            let name = input["name"].as_str().unwrap();
            profile.input(name, shape("min").as_slice(), shape("opt").as_slice(), shape("max").as_slice()).unwrap()
        })
    }

    pub(crate) fn build(&self, library: &Library) -> Result<Plan> {
        EngineBuilder::from_onnx(library, self.path())?.profile(self.profile()).build()
    }

    /// The cases: inputs and outputs.
    pub(crate) fn cases(&self) -> impl Iterator<Item = (Vec<Array>, Vec<Array>)> {
        list(&self.entry["cases"]).iter().map(|case| {
            let arrays = |which: &str| list(&case[which]).iter().map(|entry| Array::read(self.folder, entry)).collect();
            (arrays("inputs"), arrays("outputs"))
        })
    }
}

impl Array {
    fn read(folder: &Path, entry: &Value) -> Self {
        let path = folder.join(entry["file"].as_str().unwrap());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{}", path.display());
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        Self {
            name: entry["name"].as_str().unwrap().to_owned(),
            dtype: entry["dtype"].as_str().unwrap().to_owned(),
            shape: extents(&entry["shape"]).into_iter().map(|extent| usize::try_from(extent).unwrap()).collect(),
            bytes: bytes[10 + header..].to_vec(),
            scale: serde_json::from_value(entry["scale"].clone()).unwrap_or(1.0),
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
