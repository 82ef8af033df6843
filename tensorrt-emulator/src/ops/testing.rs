//! What the operators' unit tests share: running one layer, and numbers to run it on.

use tensorrt_sys::DataType;

use super::{Call, Request, prepare};
use crate::Result;
use crate::graph::{Graph, LayerKind};
use crate::tensor::{Dims, Element, Tensor, TensorView};

/// A tensor of these elements.
pub(super) fn tensor<T: Element>(dims: &[i64], values: &[T]) -> Tensor {
    Tensor::from_slice(Dims::new(dims).unwrap(), values).unwrap()
}

/// A bool tensor.
pub(super) fn bools(dims: &[i64], values: &[bool]) -> Tensor {
    let bytes: Vec<u8> = values.iter().map(|&v| v.into()).collect();
    Tensor::new(DataType::Bool, Dims::new(dims).unwrap(), crate::memory::Storage::copy_of(&bytes)).unwrap()
}

/// Prepares and runs a layer without weights; outputs start as 0xA5 bytes.
pub(super) fn run(kind: &LayerKind, inputs: &[Option<&Tensor>], outputs: &[(DataType, &[i64])]) -> Result<Vec<Tensor>> {
    run_in(&Graph::default(), kind, inputs, outputs)
}

/// As [`run`], with a graph for the weights that the kind names.
pub(super) fn run_in(
    graph: &Graph,
    kind: &LayerKind,
    inputs: &[Option<&Tensor>],
    outputs: &[(DataType, &[i64])],
) -> Result<Vec<Tensor>> {
    let types: Vec<_> = inputs.iter().map(|t| t.map(Tensor::dtype)).collect();
    let ranks: Vec<_> = inputs.iter().map(|t| t.map(|t| t.dims().rank())).collect();
    let output_types: Vec<_> = outputs.iter().map(|o| o.0).collect();
    let constants = vec![None; inputs.len()];
    let kernel = prepare(&Request {
        kind,
        graph,
        input_types: &types,
        input_ranks: &ranks,
        constants: &constants,
        output_types: &output_types,
    })?;
    let views: Vec<Option<TensorView<'_>>> = inputs.iter().map(|t| t.map(Tensor::view)).collect();
    let mut tensors = Vec::new();
    for (dtype, dims) in outputs {
        let mut tensor = Tensor::zeroed(*dtype, Dims::new(dims)?)?;
        tensor.view_mut().bytes_mut().fill(0xA5);
        tensors.push(tensor);
    }
    let infos: Vec<_> = inputs.iter().map(|t| t.map(|t| (t.dtype(), *t.dims()))).collect();
    let mut scratch = vec![0u64; kernel.scratch_bytes(&infos).div_ceil(8)];
    {
        let mut outs: Vec<_> = tensors.iter_mut().map(Tensor::view_mut).collect();
        kernel.run(&mut Call {
            inputs: &views,
            outputs: &mut outs,
            scratch: bytemuck::cast_slice_mut(&mut scratch),
        })?;
    }
    Ok(tensors)
}

/// A small generator of test data (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number in `low..high`.
    pub(super) fn range(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.next() % u64::try_from(high - low).unwrap()).unwrap()
    }

    /// `count` floats in [−4, 4).
    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| f32::from(u16::try_from(self.next() >> 48).unwrap()) / 8192.0 - 4.0).collect()
    }
}
