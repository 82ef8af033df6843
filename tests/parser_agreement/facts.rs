//! What a library says of a model: whether it parses it, what network it makes of it, whether it builds it.

use serde::{Deserialize, Serialize};
use tensorrt::{Builder, ComputeCapability, Library, OnnxParser, Result, Tensor};

use super::cases::Case;

/// A library's answers on one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Why the model was not parsed.
    pub(crate) refused: Option<String>,
    /// Why the parsed model was not built.
    pub(crate) not_built: Option<String>,
    pub(crate) inputs: Vec<TensorFacts>,
    pub(crate) outputs: Vec<TensorFacts>,
    /// The kinds of the layers, in the network's order.
    pub(crate) layers: Vec<String>,
}

/// An input or output of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TensorFacts {
    pub(crate) name: String,
    pub(crate) data_type: String,
    /// The extents, −1 where they are not known; none where the rank is not.
    pub(crate) dims: Option<Vec<i64>>,
    pub(crate) dim_names: Vec<Option<String>>,
    pub(crate) is_shape_tensor: bool,
}

/// The two answers that have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pair {
    Refused,
    ParsedOnly,
    Built,
}

impl Facts {
    /// Asks the library.
    pub(crate) fn of(library: &Library, case: &Case) -> Self {
        let mut facts = Self::default();
        if let Err(error) = facts.ask(library, case) {
            facts.not_built = Some(error.to_string());
        }
        facts
    }

    pub(crate) fn pair(&self) -> Pair {
        match (&self.refused, &self.not_built) {
            (Some(_), _) => Pair::Refused,
            (None, Some(_)) => Pair::ParsedOnly,
            (None, None) => Pair::Built,
        }
    }

    fn ask(&mut self, library: &Library, case: &Case) -> Result<()> {
        let builder = Builder::new(library)?;
        let network = builder.create_network(&[])?;
        let mut parser = OnnxParser::new(&network)?;
        if let Err(error) = parser.parse_file(case.model()) {
            self.refused = Some(error.to_string());
            return Ok(());
        }
        self.inputs = network.inputs()?.into_iter().map(TensorFacts::of).collect::<Result<_>>()?;
        self.outputs = network.outputs()?.into_iter().map(TensorFacts::of).collect::<Result<_>>()?;
        let kinds = network.layers()?.into_iter().map(|layer| Ok(layer.layer_type()?.to_string()));
        self.layers = kinds.collect::<Result<_>>()?;
        let mut config = builder.create_builder_config()?;
        config.set_compute_capabilities(&[ComputeCapability::Sm89])?;
        if let Some(profile) = case.profile(&self.inputs)? {
            config.add_optimization_profile(&profile)?;
        }
        builder.build_serialized_network(&network, &config).map(drop)
    }
}

impl TensorFacts {
    fn of(tensor: Tensor<'_>) -> Result<Self> {
        let dims = tensor.dims()?.map(|dims| dims.to_vec());
        let rank = u32::try_from(dims.as_ref().map_or(0, Vec::len)).unwrap_or(0);
        Ok(Self {
            name: tensor.name()?,
            data_type: tensor.data_type()?.to_string(),
            dim_names: (0..rank).map(|axis| tensor.dimension_name(axis)).collect::<Result<_>>()?,
            dims,
            is_shape_tensor: tensor.is_shape_tensor()?,
        })
    }

    pub(crate) fn is_dynamic(&self) -> bool {
        self.dims.as_ref().is_none_or(|dims| dims.contains(&-1))
    }
}
