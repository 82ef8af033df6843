//! A loop as one layer: its body runs again and again.

use smallvec::SmallVec;
use tensorrt_sys::DataType;

use super::body::{Body, Borrowed};
use super::conditional::copy_out;
use crate::graph::ValueInfo;
use crate::ops::{Call, Kernel};
use crate::tensor::{Dims, Tensor, TensorView, bits};
use crate::{Error, Result};

/// Inputs: the first values of the recurrences, what the iterators run along, what the body reads besides, then count and lengths.
///
/// The slots of the bodies are the values of the recurrences, the slices of the iterators, and what is read besides.
#[derive(Debug)]
pub(super) struct LoopKernel {
    pub(super) name: String,
    /// Computes the recurrences' next values, then what the outputs collect.
    pub(super) body: Body,
    /// Computes whether there is another iteration.
    pub(super) condition: Option<Body>,
    pub(super) recurrences: usize,
    pub(super) iterators: Vec<Iterator>,
    /// How many inputs the bodies read besides.
    pub(super) captured: usize,
    /// The input that says how many iterations there are.
    pub(super) count: Option<usize>,
    pub(super) outputs: Vec<Output>,
}

/// What runs along an axis of an input.
#[derive(Debug)]
pub(super) struct Iterator {
    pub(super) axis: i32,
    pub(super) reverse: bool,
}

/// What a loop's output is.
#[derive(Debug)]
pub(super) enum Output {
    /// The last value of a recurrence.
    Last(usize),
    /// Output `source` of the body, one after another along an axis.
    Collected {
        source: usize,
        axis: usize,
        reverse: bool,
        /// The input that says how many; as many as there were iterations where absent.
        length: Option<usize>,
    },
}

/// The integer of a scalar input, where its elements are at hand.
fn integer(view: TensorView<'_>) -> Result<i64> {
    let values = view.to_i64()?;
    values.first().copied().ok_or_else(|| Error::internal("a count has no elements"))
}

/// `dims` with an extent more at `axis`.
fn insert(dims: &Dims, axis: usize, extent: i64) -> Result<Dims> {
    let mut all = dims.to_vec();
    all.insert(axis.min(all.len()), extent);
    Dims::new(&all)
}

/// The elements collected for an output.
struct Collector {
    axis: usize,
    reverse: bool,
    length: Option<usize>,
    /// All of them, once the extents of one are known; where the length is not, each by itself.
    whole: Option<Tensor>,
    parts: Vec<Tensor>,
}

impl Collector {
    /// Room for `count` values of these extents.
    fn room(&mut self, dtype: DataType, dims: &Dims, count: usize) -> Result<&mut Tensor> {
        let extent = i64::try_from(count).map_err(|_| Error::config("a loop's output is too long"))?;
        let whole = match self.whole.take() {
            Some(whole) => whole,
            None => Tensor::zeroed(dtype, insert(dims, self.axis, extent)?)?,
        };
        Ok(self.whole.insert(whole))
    }

    /// Takes the value of iteration `at`.
    fn take(&mut self, at: usize, value: &Tensor) -> Result<()> {
        let Some(length) = self.length else {
            self.parts.push(value.clone());
            return Ok(());
        };
        if at >= length {
            return Ok(());
        }
        let position = if self.reverse { length - 1 - at } else { at };
        let axis = self.axis;
        let whole = self.room(value.dtype(), value.dims(), length)?;
        put(whole, axis, length, position, value)
    }

    /// Everything collected; `element` is what is known of a value where there was none.
    fn finish(mut self, element: &ValueInfo) -> Result<Tensor> {
        let parts = std::mem::take(&mut self.parts);
        let count = self.length.unwrap_or(parts.len());
        let dims = parts.first().map_or(element.dims, |part| *part.dims());
        if self.whole.is_none() && !dims.is_static() {
            return Err(Error::invalid("a loop without iterations collects values whose extents are not known"));
        }
        let (axis, reverse) = (self.axis, self.reverse);
        let whole = self.room(element.dtype, &dims, count)?;
        for (at, part) in parts.iter().enumerate() {
            put(whole, axis, count, if reverse { count - 1 - at } else { at }, part)?;
        }
        self.whole.take().ok_or_else(|| Error::internal("nothing was collected"))
    }
}

/// The bytes that follow one another in a slice, which has these extents behind its axis.
///
/// # Errors
/// They begin or end within a byte.
fn block_bytes(dtype: DataType, inner: &[i64]) -> Result<usize> {
    let count = inner.iter().try_fold(1usize, |count, &extent| count.checked_mul(usize::try_from(extent).ok()?));
    let all = count.and_then(|count| count.checked_mul(bits(dtype)));
    let all = all.ok_or_else(|| Error::internal("the size of a loop's slice is not known"))?;
    if all % 8 != 0 {
        let (name, count) = (dtype.name(), all / bits(dtype));
        let text = format!("a loop takes or gives {count} elements of {name} at a time, which are no whole bytes");
        return Err(Error::unsupported(text));
    }
    Ok(all / 8)
}

/// Writes a value to position `at` of `count` along an axis.
fn put(whole: &mut Tensor, axis: usize, count: usize, at: usize, value: &Tensor) -> Result<()> {
    let dims = *value.dims();
    if insert(&dims, axis, i64::try_from(count).unwrap_or(i64::MAX))? != *whole.dims() {
        return Err(Error::config(format!("a value of {dims} is collected after others, which make {}", whole.dims())));
    }
    let block = block_bytes(value.dtype(), &dims[axis.min(dims.rank())..])?;
    if block == 0 {
        return Ok(());
    }
    let mut target = whole.view_mut();
    let target = target.bytes_mut();
    for (outer, from) in value.view().bytes().chunks_exact(block).enumerate() {
        let start = (outer * count + at) * block;
        target[start..start + block].copy_from_slice(from);
    }
    Ok(())
}

/// Copies slice `at` along an axis into `slice`, whose extents are those of the rest.
fn cut(source: TensorView<'_>, axis: usize, at: usize, slice: &mut Tensor) -> Result<()> {
    let dims = *source.dims();
    let extent = usize::try_from(dims[axis]).unwrap_or(0);
    let block = block_bytes(source.dtype(), &dims[axis + 1..])?;
    if block == 0 {
        return Ok(());
    }
    let mut target = slice.view_mut();
    for (outer, to) in target.bytes_mut().chunks_exact_mut(block).enumerate() {
        let start = (outer * extent + at) * block;
        to.copy_from_slice(&source.bytes()[start..start + block]);
    }
    Ok(())
}

impl LoopKernel {
    /// The axis of an iterator over an input of these dimensions, and the extents of its slices.
    fn slice(&self, index: usize, dims: &Dims) -> Result<(usize, Dims)> {
        let axis = crate::shape::axis_of(self.iterators[index].axis, dims.rank())?;
        let rest = dims.iter().enumerate().filter(|&(at, _)| at != axis).map(|(_, &extent)| extent);
        Ok((axis, Dims::new(&rest.collect::<Vec<_>>())?))
    }

    /// What is known of the slots during an iteration.
    fn slot_values(&self, inputs: &[Option<&ValueInfo>]) -> Result<Vec<ValueInfo>> {
        let mut slots = Vec::with_capacity(inputs.len());
        for (index, value) in inputs.iter().take(self.recurrences + self.iterators.len() + self.captured).enumerate() {
            let value = value.ok_or_else(|| Error::internal("a loop lacks an input"))?;
            let iterator = index.checked_sub(self.recurrences).filter(|&at| at < self.iterators.len());
            slots.push(match iterator {
                Some(iterator) => ValueInfo::new(value.dtype, self.slice(iterator, &value.dims)?.1),
                // The elements of later iterations are others.
                None if index < self.recurrences => ValueInfo::new(value.dtype, value.dims),
                None => value.clone(),
            });
        }
        Ok(slots)
    }

    fn collectors(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Vec<Option<Collector>>> {
        let mut collectors = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            collectors.push(match output {
                Output::Last(_) => None,
                Output::Collected { axis, reverse, length, .. } => {
                    let length = match length {
                        Some(input) => Some(integer(required(inputs, *input)?)?),
                        None => None,
                    };
                    let length = length.map(|length| {
                        usize::try_from(length)
                            .map_err(|_| Error::invalid(format!("the length {length} of a loop's output is negative")))
                    });
                    let (axis, reverse, length) = (*axis, *reverse, length.transpose()?);
                    Some(Collector { axis, reverse, length, whole: None, parts: Vec::new() })
                }
            });
        }
        Ok(collectors)
    }

    fn execute(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Vec<Tensor>> {
        let count = match self.count {
            Some(input) => Some(integer(required(inputs, input)?)?.max(0).unsigned_abs()),
            None => None,
        };
        let mut values = Vec::with_capacity(self.recurrences);
        for index in 0..self.recurrences {
            let first = required(inputs, index)?;
            let mut value = Tensor::zeroed(first.dtype(), *first.dims())?;
            value.view_mut().bytes_mut().copy_from_slice(first.bytes());
            values.push(value);
        }
        let mut slices = Vec::with_capacity(self.iterators.len());
        let mut axes = Vec::with_capacity(self.iterators.len());
        for index in 0..self.iterators.len() {
            let source = required(inputs, self.recurrences + index)?;
            let (axis, dims) = self.slice(index, source.dims())?;
            slices.push(Tensor::zeroed(source.dtype(), dims)?);
            axes.push(axis);
        }
        let mut collectors = self.collectors(inputs)?;
        let mut body = self.body.context()?;
        let mut condition = self.condition.as_ref().map(Body::context).transpose()?;
        let (mut next, mut verdict) = (Vec::new(), Vec::new());
        let mut at = 0u64;
        while count.is_none_or(|count| at < count) {
            if let (Some(condition), Some(reads)) = (&mut condition, self.condition.as_ref().map(Body::reads)) {
                self.cut_slices(inputs, &axes, (at, count), reads, &mut slices)?;
                run(condition, inputs, self.recurrences, &values, &slices, self.captured, &mut verdict)?;
                let goes_on = verdict.first().and_then(|verdict: &Tensor| verdict.view().bytes().first().copied());
                if goes_on.is_none_or(|byte| byte == 0) {
                    break;
                }
                if count.is_none() && reads.iter().all(|&slot| slot >= self.recurrences + self.iterators.len()) {
                    let name = &self.name;
                    return Err(Error::invalid(format!(
                        "the condition of the loop \"{name}\" never changes: it has no end"
                    )));
                }
            }
            self.cut_slices(inputs, &axes, (at, count), self.body.reads(), &mut slices)?;
            run(&mut body, inputs, self.recurrences, &values, &slices, self.captured, &mut next)?;
            for (output, collector) in self.outputs.iter().zip(&mut collectors) {
                if let (Output::Collected { source, .. }, Some(collector)) = (output, collector) {
                    let position = usize::try_from(at).map_err(|_| Error::config("a loop runs too long"))?;
                    collector.take(position, &next[self.recurrences + source])?;
                }
            }
            for (value, next) in values.iter_mut().zip(&mut next) {
                if value.dims() != next.dims() || value.dtype() != next.dtype() {
                    let (from, to) = (value.dims(), next.dims());
                    return Err(Error::config(format!("a recurrence changes its dimensions from {from} to {to}")));
                }
                std::mem::swap(value, next);
            }
            at += 1;
        }
        self.results(inputs, values, collectors)
    }

    fn results(
        &self,
        inputs: &[Option<TensorView<'_>>],
        values: Vec<Tensor>,
        collectors: Vec<Option<Collector>>,
    ) -> Result<Vec<Tensor>> {
        let lacking = collectors.iter().flatten().any(|it| it.whole.is_none() && it.parts.is_empty());
        let mut elements = Vec::new();
        if lacking {
            let known: Vec<_> =
                inputs.iter().map(|view| view.map(|view| ValueInfo::new(view.dtype(), *view.dims()))).collect();
            let known: Vec<_> = known.iter().map(Option::as_ref).collect();
            elements = self.body.infer(&self.slot_values(&known)?)?;
        }
        let mut results = Vec::with_capacity(self.outputs.len());
        for (output, collector) in self.outputs.iter().zip(collectors) {
            results.push(match (output, collector) {
                (Output::Collected { source, .. }, Some(collector)) => {
                    let found = collector.whole.as_ref().or(collector.parts.first());
                    let element = match (elements.get(self.recurrences + source), found) {
                        (Some(element), _) => element.clone(),
                        (None, Some(found)) => ValueInfo::new(found.dtype(), *found.dims()),
                        (None, None) => return Err(Error::internal("nothing was collected")),
                    };
                    collector.finish(&element)?
                }
                (Output::Last(index), _) => values[*index].clone(),
                (Output::Collected { .. }, None) => return Err(Error::internal("nothing was collected")),
            });
        }
        Ok(results)
    }

    /// Takes the slices of iteration `at` of `count`, of those iterators that are read; the first of reversed ones is that of the last
    /// iteration.
    fn cut_slices(
        &self,
        inputs: &[Option<TensorView<'_>>],
        axes: &[usize],
        (at, count): (u64, Option<u64>),
        reads: &[usize],
        slices: &mut [Tensor],
    ) -> Result<()> {
        for (index, slice) in slices.iter_mut().enumerate() {
            let input = self.recurrences + index;
            if !reads.contains(&input) {
                continue;
            }
            let source = required(inputs, input)?;
            let extent = source.dims()[axes[index]].unsigned_abs();
            let at = if self.iterators[index].reverse { count.unwrap_or(extent).checked_sub(at + 1) } else { Some(at) };
            let Some(at) = at.filter(|&at| at < extent) else {
                let name = &self.name;
                let text = format!("the loop \"{name}\" runs beyond the {extent} slices of an iterator");
                return Err(Error::invalid(text));
            };
            cut(source, axes[index], usize::try_from(at).unwrap_or(usize::MAX), slice)?;
        }
        Ok(())
    }
}

fn required<'t>(inputs: &[Option<TensorView<'t>>], index: usize) -> Result<TensorView<'t>> {
    inputs.get(index).copied().flatten().ok_or_else(|| Error::internal("a loop lacks an input"))
}

/// Runs a body on the slots of an iteration.
fn run(
    body: &mut Borrowed<'_>,
    inputs: &[Option<TensorView<'_>>],
    recurrences: usize,
    values: &[Tensor],
    slices: &[Tensor],
    captured: usize,
    outputs: &mut Vec<Tensor>,
) -> Result<()> {
    let mut slots: SmallVec<[TensorView<'_>; 16]> = values.iter().chain(slices).map(Tensor::view).collect();
    let first = recurrences + slices.len();
    for index in first..first + captured {
        slots.push(required(inputs, index)?);
    }
    body.run(&slots, outputs)
}

impl Kernel for LoopKernel {
    fn infer(&self, inputs: &[Option<&ValueInfo>]) -> Result<Option<Vec<ValueInfo>>> {
        let slots = self.slot_values(inputs)?;
        let body = self.body.infer(&slots)?;
        for (first, next) in slots.iter().zip(&body).take(self.recurrences) {
            let both = first.dims.is_static() && next.dims.is_static();
            if (both && first.dims != next.dims) || first.dtype != next.dtype {
                let (from, to) = (first.dims, next.dims);
                let text = format!("a recurrence of the loop \"{}\" changes from {from} to {to}", self.name);
                return Err(Error::config(text));
            }
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            outputs.push(match *output {
                Output::Last(index) => slots[index].clone(),
                Output::Collected { source, axis, length, .. } => {
                    let element = &body[self.recurrences + source];
                    let length = length.and_then(|input| inputs.get(input).copied().flatten()?.known_elements());
                    let length = length.and_then(|elements| elements.first().copied()).unwrap_or(Dims::DYNAMIC);
                    ValueInfo::new(element.dtype, insert(&element.dims, axis, length)?)
                }
            });
        }
        Ok(Some(outputs))
    }

    fn compute(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Tensor>>> {
        self.execute(inputs).map(Some)
    }

    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        copy_out(&self.execute(call.inputs)?, call)
    }
}
