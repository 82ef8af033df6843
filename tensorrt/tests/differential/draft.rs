//! A network in the making: random inputs and parameters, each noted as it is chosen.

use std::fmt::{Display, Write as _};

use tensorrt::{DataType, NetworkDefinition, Result, Tensor, Weights};

use crate::random::Random;

/// The types that most layers compute in.
pub(crate) const FLOATS: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16];
/// The types of indices and shapes.
pub(crate) const INDICES: &[DataType] = &[DataType::Int64, DataType::Int32];

/// The most elements of a constant: extents may be as large as extents get.
const MOST: i64 = 1 << 20;

/// One case: choices are drawn from its seed alone, never from what the library answers, so that every library gets the same.
pub(crate) struct Draft<'n> {
    pub(crate) network: &'n NetworkDefinition<'n>,
    pub(crate) random: Random,
    /// What was chosen.
    pub(crate) text: String,
    inputs: usize,
}

impl<'n> Draft<'n> {
    pub(crate) fn new(network: &'n NetworkDefinition<'n>, seed: u64) -> Self {
        Draft { network, random: Random::new(seed), text: String::new(), inputs: 0 }
    }

    /// Notes a choice.
    pub(crate) fn note(&mut self, what: impl Display) {
        write!(self.text, " {what}").unwrap();
    }

    /// A value of those given, noted.
    pub(crate) fn pick<T: Copy + std::fmt::Debug>(&mut self, from: &[T]) -> T {
        let picked = self.random.pick(from);
        self.note(format_args!("{picked:?}"));
        picked
    }

    /// A type that fits, now and then any other.
    pub(crate) fn data_type(&mut self, fitting: &[DataType]) -> DataType {
        if self.random.one_in(8) { self.random.pick(DataType::ALL) } else { self.random.pick(fitting) }
    }

    /// An extent, now and then unknown, rarely 0.
    pub(crate) fn extent(&mut self) -> i64 {
        match self.random.below(40) {
            0 => 0,
            1..5 => -1,
            _ => self.random.pick(&[1, 1, 2, 2, 3, 4, 5, 6, 8]),
        }
    }

    pub(crate) fn extents(&mut self, rank: usize) -> Vec<i64> {
        (0..rank).map(|_| self.extent()).collect()
    }

    /// The number of dimensions: one that fits, now and then any other.
    pub(crate) fn rank(&mut self, fitting: &[usize]) -> usize {
        if self.random.one_in(16) { self.random.below(9) } else { self.random.pick(fitting) }
    }

    /// A number that fits, now and then one that is odd in some way.
    pub(crate) fn number(&mut self, fitting: &[i64]) -> i64 {
        if self.random.one_in(16) {
            self.random.pick(&[-1, 0, -2, 1, 7, 9, 100, i64::from(i32::MAX), -100])
        } else {
            self.random.pick(fitting)
        }
    }

    /// An axis of so many, noted; now and then none of them.
    pub(crate) fn axis(&mut self, rank: usize) -> i32 {
        let axis = if self.random.one_in(10) {
            self.random.pick(&[-1, -2, i32::try_from(rank).unwrap(), 7, 8, -9])
        } else {
            i32::try_from(self.random.below(rank)).unwrap()
        };
        self.note(format_args!("axis={axis}"));
        axis
    }

    /// Axes of so many, noted; now and then others or none.
    pub(crate) fn axes(&mut self, rank: usize, single: bool) -> Vec<u32> {
        let count = u32::try_from(rank).unwrap();
        let mut axes: Vec<u32> = (0..count).filter(|_| self.random.one_in(2)).collect();
        if single || axes.is_empty() {
            axes = vec![u32::try_from(self.random.below(rank)).unwrap()];
        }
        match self.random.below(24) {
            0 => axes.clear(),
            1 => axes.push(count.min(7)),
            2 => axes = vec![0, 1],
            _ => {}
        }
        axes.sort_unstable();
        axes.dedup();
        self.note(format_args!("axes={axes:?}"));
        axes
    }

    /// The same extents, now and then with one changed.
    pub(crate) fn nearly(&mut self, dims: &[i64]) -> Vec<i64> {
        let mut dims = dims.to_vec();
        match self.random.below(20) {
            0 => dims.push(self.random.pick(&[1, 2])),
            1 => _ = dims.pop(),
            2 | 3 if !dims.is_empty() => {
                let at = self.random.below(dims.len());
                dims[at] = self.extent();
            }
            4 | 5 if !dims.is_empty() => {
                let at = self.random.below(dims.len());
                dims[at] = -1;
            }
            _ => {}
        }
        dims.truncate(8);
        dims
    }

    /// Extents that broadcast with those given, now and then not.
    pub(crate) fn broadcasting(&mut self, dims: &[i64]) -> Vec<i64> {
        let stretched: Vec<i64> = dims.iter().map(|&extent| if self.random.one_in(4) { 1 } else { extent }).collect();
        self.nearly(&stretched)
    }

    /// An input of the network.
    pub(crate) fn input(&mut self, data_type: DataType, dims: &[i64]) -> Result<Tensor<'n>> {
        self.note(format_args!("{}{dims:?}", data_type.name().trim_start_matches('k')));
        let name = format!("in{}", self.inputs);
        self.inputs += 1;
        self.network.add_input(&name, data_type, dims)
    }

    /// A constant of zeros.
    pub(crate) fn constant(&mut self, data_type: DataType, dims: &[i64]) -> Result<Tensor<'n>> {
        self.note(format_args!("const:{}{dims:?}", data_type.name().trim_start_matches('k')));
        let count = dims.iter().map(|&extent| usize::try_from(extent).unwrap()).product();
        self.network.add_constant(dims, zeros(data_type, count))?.output(0)
    }

    /// Mostly an input, now and then a constant where the extents are known.
    pub(crate) fn tensor(&mut self, data_type: DataType, dims: &[i64]) -> Result<Tensor<'n>> {
        let volume = dims.iter().try_fold(1_i64, |volume, &extent| volume.checked_mul(extent));
        let small = dims.iter().all(|&extent| extent > 0) && volume.is_some_and(|volume| volume <= MOST);
        if small && self.random.one_in(5) {
            return self.constant(data_type, dims);
        }
        self.input(data_type, dims)
    }

    /// A constant of integers.
    pub(crate) fn integers(&mut self, data_type: DataType, dims: &[i64], values: &[i64]) -> Result<Tensor<'n>> {
        self.note(format_args!("{}:{dims:?}={values:?}", data_type.name().trim_start_matches('k')));
        let weights = if data_type == DataType::Int32 {
            Weights::new(&values.iter().map(|&value| i32::try_from(value).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        } else {
            Weights::new(values)
        };
        self.network.add_constant(dims, weights)?.output(0)
    }

    /// A vector of these integers as a shape tensor: a constant, the shape of a tensor, an input of unknown values, or partly known.
    pub(crate) fn shape_tensor(&mut self, values: &[i64]) -> Result<Tensor<'n>> {
        let len = i64::try_from(values.len()).unwrap();
        let positive = values.iter().all(|&value| (0..1000).contains(&value)) && !values.is_empty();
        match self.random.below(12) {
            0 => {
                let data_type = self.data_type(INDICES);
                let len = if self.random.one_in(8) { -1 } else { len };
                self.input(data_type, &[len])
            }
            1 | 2 if positive => {
                self.note("shape-of");
                let of = self.input(DataType::Float, values)?;
                self.network.add_shape(of)?.output(0)
            }
            3 | 4 if positive => {
                self.note("partly-shape-of");
                let mut partly = values.to_vec();
                let at = self.random.below(partly.len());
                partly[at] = -1;
                let of = self.input(DataType::Float, &partly)?;
                self.network.add_shape(of)?.output(0)
            }
            5 => self.integers(DataType::Int32, &[len], values),
            _ => self.integers(DataType::Int64, &[len], values),
        }
    }

    /// One integer as a shape tensor.
    pub(crate) fn scalar(&mut self, value: i64) -> Result<Tensor<'n>> {
        let dims: &[i64] = if self.random.one_in(8) { &[1] } else { &[] };
        match self.random.below(10) {
            0 => {
                let data_type = self.data_type(INDICES);
                self.input(data_type, dims)
            }
            1..4 => self.integers(DataType::Int64, dims, &[value]),
            _ => self.integers(DataType::Int32, dims, &[value]),
        }
    }
}

/// So many zeros.
pub(crate) fn zeros(data_type: DataType, count: usize) -> Weights {
    let bits = match data_type {
        DataType::Float | DataType::Int32 => 32,
        DataType::Half | DataType::Bf16 => 16,
        DataType::Int64 => 64,
        DataType::Int4 | DataType::Fp4 => 4,
        _ => 8,
    };
    if count == 0 {
        return Weights::empty(data_type);
    }
    Weights::from_bytes(data_type, count, &vec![0; (count * bits).div_ceil(8)]).unwrap()
}

impl Draft<'_> {
    /// As [`broadcasting`](Self::broadcasting), but mostly the same.
    pub(crate) fn broadcasting_rarely(&mut self, dims: &[i64]) -> Vec<i64> {
        if self.random.one_in(8) { self.broadcasting(dims) } else { self.nearly(dims) }
    }
}
