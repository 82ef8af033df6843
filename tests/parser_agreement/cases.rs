//! The models that the libraries are asked about.

use std::path::{Path, PathBuf};

use prost::Message as _;
use tensorrt::{OptimizationProfile, Result};
use tensorrt_emulator::onnx::Model;
use tensorrt_emulator::onnx::proto::TensorProto;

use super::facts::TensorFacts;
use super::oracle::Oracle;
use super::profile::profile;

/// A model, and what its dynamic inputs are built for.
#[derive(Debug, Clone)]
pub(crate) enum Case {
    /// One of ONNX's node tests: a folder with a model and its data.
    Node(PathBuf),
    /// A model with a manifest of its profile.
    Model { oracle: PathBuf, name: String },
}

impl Case {
    /// The node test of a name.
    pub(crate) fn node(folder: &Path, name: &str) -> Self {
        Self::Node(folder.join(name))
    }

    /// As text, for another process.
    pub(crate) fn to_line(&self) -> String {
        match self {
            Self::Node(folder) => folder.display().to_string(),
            Self::Model { oracle, name } => format!("{}\t{name}", oracle.display()),
        }
    }

    /// From text.
    pub(crate) fn from_line(line: &str) -> Self {
        match line.split_once('\t') {
            Some((oracle, name)) => Self::Model { oracle: oracle.into(), name: name.to_owned() },
            None => Self::Node(line.into()),
        }
    }

    /// The name.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Node(folder) => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Model { name, .. } => name.clone(),
        }
    }

    /// The file of the model.
    pub(crate) fn model(&self) -> PathBuf {
        match self {
            Self::Node(folder) => folder.join("model.onnx"),
            Self::Model { oracle, name } => Oracle::open(oracle).model(name).path(),
        }
    }

    /// A profile for the inputs of a network that need one.
    pub(crate) fn profile(&self, inputs: &[TensorFacts]) -> Result<Option<OptimizationProfile>> {
        let folder = match self {
            Self::Node(folder) => folder,
            Self::Model { oracle, name } => {
                let wanted = inputs.iter().any(TensorFacts::is_dynamic);
                return Ok(wanted.then(|| profile(Oracle::open(oracle).model(name))));
            }
        };
        if !inputs.iter().any(|input| input.is_dynamic() || input.is_shape_tensor) {
            return Ok(None);
        }
        let model = Model::from_file(folder.join("model.onnx")).unwrap();
        let graph = model.proto().graph.as_ref().unwrap();
        let is_initializer = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let files = (0..graph.input.len()).filter(|&index| !is_initializer(&graph.input[index].name));
        let mut profile = OptimizationProfile::new();
        // By position: NVIDIA's parser renames the input that a loop's condition comes from.
        for (input, index) in inputs.iter().zip(files) {
            let data = std::fs::read(folder.join(format!("test_data_set_0/input_{index}.pb"))).unwrap();
            let data = TensorProto::decode(&data[..]).unwrap();
            if input.is_dynamic() {
                let dims = data.dims.as_slice();
                profile = profile.input(&input.name, dims, dims, dims)?;
            }
            if input.is_shape_tensor {
                let values = integers(&data);
                profile = profile.shape_values(&input.name, &values, &values, &values)?;
            }
        }
        Ok(Some(profile))
    }
}

/// The elements of a shape tensor.
fn integers(data: &TensorProto) -> Vec<i64> {
    match (data.data_type, data.raw_data.as_deref()) {
        (6, Some(raw)) => raw.as_chunks::<4>().0.iter().map(|&four| i32::from_le_bytes(four).into()).collect(),
        (7, Some(raw)) => raw.as_chunks::<8>().0.iter().map(|&eight| i64::from_le_bytes(eight)).collect(),
        (9, Some(raw)) => raw.iter().map(|&byte| byte.into()).collect(),
        (7, None) => data.int64_data.clone(),
        (_, None) => data.int32_data.iter().map(|&value| value.into()).collect(),
        (other, Some(_)) => panic!("a shape tensor of type {other}"),
    }
}
