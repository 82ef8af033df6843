//! Convolution, and what it shares with its transpose and with pooling.

use tensorrt_sys::PaddingMode;

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{Conv, LayerKind, TensorId, Weights, WeightsId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[("Conv", conv)];

/// The attributes of a window that moves over spatial dimensions.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) kernel: Vec<i64>,
    pub(super) strides: Vec<i64>,
    pub(super) dilations: Vec<i64>,
    pub(super) before: Vec<i64>,
    pub(super) after: Vec<i64>,
    pub(super) mode: PaddingMode,
}

/// Reads `kernel_shape`, `strides`, `dilations`, `pads` and `auto_pad` for `spatial` dimensions.
pub(super) fn window(c: &Context<'_>, spatial: usize, kernel: Option<Vec<i64>>) -> Result<Window> {
    let list = |name: &str, default: Option<Vec<i64>>, least: i64, len: usize| -> Result<Vec<i64>> {
        let values = c.ints(name)?.filter(|values| !values.is_empty()).or(default);
        let values = values.ok_or_else(|| Refusal::invalid(format!("attribute {name} is missing")))?;
        if values.len() != len {
            return Err(Refusal::invalid(format!("{name} = {values:?} does not have {len} elements")));
        }
        match values.iter().find(|&&v| v < least || v > i64::from(i32::MAX)) {
            Some(bad) => Err(Refusal::attribute(format!("{name} = {bad} is not supported"))),
            None => Ok(values),
        }
    };
    let ones = Some(vec![1; spatial]);
    let shape = list("kernel_shape", kernel.clone(), 1, spatial)?;
    if let Some(kernel) = kernel
        && kernel != shape
    {
        return Err(Refusal::invalid(format!("kernel_shape = {shape:?} for a kernel of {kernel:?}")));
    }
    let strides = list("strides", ones.clone(), 1, spatial)?;
    let dilations = list("dilations", ones, 1, spatial)?;
    let zeros = vec![0; 2 * spatial];
    let (pads, mode) = match c.string_or("auto_pad", "NOTSET")? {
        "NOTSET" | "" => (list("pads", Some(zeros), 0, 2 * spatial)?, PaddingMode::ExplicitRoundDown),
        "VALID" => (zeros, PaddingMode::ExplicitRoundDown),
        "SAME_UPPER" => (zeros, PaddingMode::SameUpper),
        "SAME_LOWER" => (zeros, PaddingMode::SameLower),
        other => return Err(Refusal::attribute(format!("auto_pad = {other} is not supported"))),
    };
    let (before, after) = pads.split_at(spatial);
    Ok(Window { kernel: shape, strides, dilations, before: before.to_vec(), after: after.to_vec(), mode })
}

impl Window {
    /// The same window with a second spatial dimension of 1.
    pub(super) fn widened(mut self) -> Self {
        self.kernel.push(1);
        self.strides.push(1);
        self.dilations.push(1);
        self.before.push(0);
        self.after.push(0);
        self
    }
}

/// The kernel and the bias of a convolution: weights of the layer where they are constants, else inputs.
pub(super) struct Parameters {
    /// The kernel's extents, [K, C/groups, …] or [C, K/groups, …].
    pub(super) extents: Vec<i64>,
    kernel: Option<WeightsId>,
    bias: Option<WeightsId>,
    kernel_tensor: Option<TensorId>,
    bias_tensor: Option<TensorId>,
}

fn weights_of(c: &mut Context<'_>, index: usize) -> Result<Option<WeightsId>> {
    let Some(weights) = c.weights(index) else {
        return Ok(None);
    };
    let tensor = &weights.tensor;
    let count = tensor.dims().volume().unwrap_or(0);
    let weights = Weights::new(weights.name.clone(), tensor.dtype(), count, tensor.storage().clone())?;
    Ok(Some(c.network.graph_mut().add_weights(weights)))
}

impl Parameters {
    /// Reads inputs 1 and 2; the bias is left out with `bias` false.
    pub(super) fn read(c: &mut Context<'_>, bias: bool) -> Result<Self> {
        let dims = c.input_dims(1)?;
        if dims.rank() < 3 {
            return Err(Refusal::shape(format!("a kernel of {dims} has no spatial dimensions")));
        }
        if !dims.is_static() {
            return Err(Refusal::dynamic(format!("a kernel of {dims} must have static dimensions")));
        }
        let kernel = weights_of(c, 1)?;
        let kernel_tensor = match kernel {
            Some(_) => None,
            None => {
                let kernel = c.input(1)?;
                Some(if dims.rank() == 3 { c.unsqueeze(kernel, &[3])? } else { kernel })
            }
        };
        let (mut bias_weights, mut bias_tensor) = (None, None);
        if bias && c.has(2) {
            bias_weights = weights_of(c, 2)?;
            if bias_weights.is_none() {
                bias_tensor = Some(c.input(2)?);
            }
        }
        Ok(Self { extents: dims.to_vec(), kernel, bias: bias_weights, kernel_tensor, bias_tensor })
    }

    /// The number of spatial dimensions.
    pub(super) fn spatial(&self) -> usize {
        self.extents.len() - 2
    }

    /// The layer's parameters and its inputs.
    pub(super) fn layer(
        &self,
        x: TensorId,
        num_output_maps: i64,
        groups: i64,
        window: &Window,
    ) -> Result<(Conv, Vec<Option<TensorId>>)> {
        let conv = Conv {
            num_output_maps,
            kernel_size: Dims::new(&window.kernel)?,
            stride: Dims::new(&window.strides)?,
            dilation: Dims::new(&window.dilations)?,
            pre_padding: Dims::new(&window.before)?,
            post_padding: Dims::new(&window.after)?,
            padding_mode: window.mode,
            groups,
            kernel: self.kernel,
            bias: self.bias,
        };
        Ok((conv, vec![Some(x), self.kernel_tensor, self.bias_tensor]))
    }
}

/// The number of groups, which must divide both numbers of channels.
pub(super) fn groups(c: &Context<'_>) -> Result<i64> {
    let groups = c.int_or("group", 1)?;
    if groups < 1 {
        return Err(Refusal::invalid(format!("group = {groups}")));
    }
    Ok(groups)
}

/// The input with at least two spatial dimensions; refuses ranks that do not fit the kernel.
pub(super) fn spatial_input(c: &mut Context<'_>, spatial: usize) -> Result<TensorId> {
    let x = c.input(0)?;
    if c.rank(x) != spatial + 2 || !(1..=3).contains(&spatial) {
        let dims = c.dims(x);
        return Err(Refusal::shape(format!("an input of {dims} with {spatial} spatial dimensions is not supported")));
    }
    if spatial == 1 { c.unsqueeze(x, &[3]) } else { Ok(x) }
}

fn conv(c: &mut Context<'_>) -> Result<Outputs> {
    one(convolve(c)?)
}

/// The convolution of input 0 with the kernel of input 1 and, where it is there, the bias of input 2.
pub(super) fn convolve(c: &mut Context<'_>) -> Result<TensorId> {
    let parameters = Parameters::read(c, true)?;
    let spatial = parameters.spatial();
    let x = spatial_input(c, spatial)?;
    let mut window = window(c, spatial, Some(parameters.extents[2..].to_vec()))?;
    if spatial == 1 {
        window = window.widened();
    }
    let (conv, inputs) = parameters.layer(x, parameters.extents[0], groups(c)?, &window)?;
    let y = c.add_optional(LayerKind::Convolution(conv), inputs)?;
    if spatial == 1 { c.squeeze(y, &[3]) } else { Ok(y) }
}
