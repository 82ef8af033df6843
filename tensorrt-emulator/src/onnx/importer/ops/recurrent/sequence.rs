//! What the recurrent operators have in common: their inputs, the loop over the sequence, and their outputs.

use tensorrt_sys::{DataType, ElementWiseOperation, MatrixOperation, ReduceOperation, SampleMode};

use crate::graph::{LayerKind, LoopId, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::onnx::importer::context::{Context, Outputs};
use crate::onnx::importer::shapes::Shape;
use crate::tensor::{Dims, Tensor};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
    Both,
}

/// The position in the sequence of each direction and where each sequence of the batch ends.
#[derive(Debug, Clone, Copy)]
struct Ends {
    /// [directions, 1, 1]
    first: TensorId,
    /// [directions, 1, 1]
    step: TensorId,
    /// [1, batch, 1]
    lengths: TensorId,
}

/// A recurrent operator's sequence and weights.
#[derive(Debug)]
pub(super) struct Sequence {
    direction: Direction,
    batch_first: bool,
    hidden: i64,
    num_gates: i64,
    /// [length, batch, features]
    x: TensorId,
    /// [directions, gates · hidden, features]
    weights: TensorId,
    /// [directions, gates · hidden, hidden]
    recurrent: TensorId,
    length: TensorId,
    ends: Option<Ends>,
    /// X times the weights of the input plus a bias, of each direction: [length, batch, gates · hidden].
    projected: Vec<TensorId>,
    /// The loop, and whether the present element is within the sequence: [directions, batch, 1].
    inside: Option<(LoopId, Option<TensorId>)>,
}

impl Context<'_> {
    /// Row `index` of the first dimension, which is kept.
    pub(super) fn row(&mut self, x: TensorId, index: i64) -> Result<TensorId> {
        self.part(x, 0, index, 1)
    }

    /// `size` elements of an axis, from `start`.
    fn part(&mut self, x: TensorId, axis: usize, start: i64, size: i64) -> Result<TensorId> {
        let (start, size, stride) = (Shape::Known(vec![start]), Shape::Known(vec![size]), Shape::splat(1, 1));
        self.slice(x, Some(&[axis]), [&start, &size, &stride], SampleMode::StrictBounds, None)
    }
}

impl Sequence {
    /// Reads the inputs that all operators have; there are `num_gates` gates.
    pub(super) fn new(c: &mut Context<'_>, num_gates: i64) -> Result<Self> {
        let direction = match c.string_or("direction", "forward")?.to_ascii_lowercase().as_str() {
            "forward" => Direction::Forward,
            "reverse" => Direction::Reverse,
            "bidirectional" => Direction::Both,
            other => return Err(Refusal::invalid(format!("direction = {other} is not known"))),
        };
        let batch_first = match c.int_or("layout", 0)? {
            0 => false,
            1 => true,
            other => return Err(Refusal::invalid(format!("layout = {other} is not known"))),
        };
        let (mut x, weights, recurrent) = (c.input(0)?, c.input(1)?, c.input(2)?);
        let hidden = match (c.int("hidden_size")?, c.dims(recurrent).last().copied()) {
            (Some(hidden), _) => hidden,
            (None, Some(hidden)) if hidden > 0 => hidden,
            _ => return Err(Refusal::invalid("attribute hidden_size is missing")),
        };
        let rows = num_gates.checked_mul(hidden).filter(|&rows| rows > 0 && rows <= i64::from(i32::MAX));
        let rows = rows.ok_or_else(|| Refusal::invalid(format!("hidden_size = {hidden} is out of range")))?;
        let directions = if direction == Direction::Both { 2 } else { 1 };
        expect(c, x, "X", &[Dims::DYNAMIC; 3])?;
        let features = c.dims(x)[2];
        expect(c, weights, "W", &[directions, rows, features])?;
        expect(c, recurrent, "R", &[directions, rows, hidden])?;
        if batch_first {
            x = c.transpose(x, &[1, 0, 2])?;
        }
        let length = c.extent(x, 0)?;
        let mut sequence = Self {
            direction,
            batch_first,
            hidden,
            num_gates,
            x,
            weights,
            recurrent,
            length,
            ends: None,
            projected: Vec::new(),
            inside: None,
        };
        sequence.ends = sequence.ends(c)?;
        Ok(sequence)
    }

    /// 2 where the sequence is read in both directions, else 1.
    pub(super) fn directions(&self) -> usize {
        if self.direction == Direction::Both { 2 } else { 1 }
    }

    fn rows(&self) -> i64 {
        i64::from(self.direction == Direction::Both) + 1
    }

    fn batch(&self, c: &Context<'_>) -> i64 {
        c.dims(self.x)[1]
    }

    /// Where the sequences end, unless all are known to be whole.
    fn ends(&self, c: &mut Context<'_>) -> Result<Option<Ends>> {
        if !c.has(4) {
            return Ok(None);
        }
        let (batch, whole) = (self.batch(c), c.dims(self.x)[0]);
        if let Some(known) = c.known_ints(4) {
            if known.iter().any(|&length| length < 0 || (whole >= 0 && length > whole)) {
                return Err(Refusal::invalid(format!("sequence_lens has lengths outside of 0..={whole}")));
            }
            if whole >= 0 && batch >= 0 && known.iter().all(|&length| length == whole) {
                let count = i64::try_from(known.len()).unwrap_or(i64::MAX);
                if count == batch {
                    return Ok(None);
                }
            }
        }
        let lengths = c.input(4)?;
        expect(c, lengths, "sequence_lens", &[batch])?;
        let lengths = c.cast(lengths, DataType::Int64)?;
        let lengths = c.unsqueeze(lengths, &[0, 2])?;
        let column = |values: &[i64]| Tensor::from_slice(Dims::new(&[self.rows(), 1, 1])?, values);
        let (steps, backward): (&[i64], &[i64]) = match self.direction {
            Direction::Forward => (&[1], &[0]),
            Direction::Reverse => (&[-1], &[1]),
            Direction::Both => (&[1, -1], &[0, 1]),
        };
        let (step, backward) = (c.constant(&column(steps)?)?, c.constant(&column(backward)?)?);
        let one = c.int_scalar(1)?;
        let last = c.binary(ElementWiseOperation::Sub, self.length, one)?;
        let first = c.binary(ElementWiseOperation::Prod, backward, last)?;
        Ok(Some(Ends { first, step, lengths }))
    }

    /// The biases of the input and of the state, each [directions, 1, gates · hidden].
    pub(super) fn biases(&self, c: &mut Context<'_>) -> Result<Option<[TensorId; 2]>> {
        let Some(bias) = c.optional(3)? else { return Ok(None) };
        let rows = self.num_gates * self.hidden;
        expect(c, bias, "B", &[self.rows(), 2 * rows])?;
        let bias = c.unsqueeze(bias, &[1])?;
        Ok(Some([c.part(bias, 2, 0, rows)?, c.part(bias, 2, rows, rows)?]))
    }

    /// The sum of both biases: [directions, 1, gates · hidden].
    pub(super) fn summed_bias(&self, c: &mut Context<'_>) -> Result<Option<TensorId>> {
        let Some(bias) = c.optional(3)? else { return Ok(None) };
        let rows = self.num_gates * self.hidden;
        expect(c, bias, "B", &[self.rows(), 2 * rows])?;
        let bias = c.reshape(bias, &[self.rows(), 2, rows])?;
        c.reduce(ReduceOperation::Sum, bias, &[1], true).map(Some)
    }

    /// The peephole weights of the gates i, o and f: [directions, 1, 3 · hidden].
    pub(super) fn peepholes(&self, c: &mut Context<'_>) -> Result<Option<TensorId>> {
        let Some(peepholes) = c.optional(7)? else { return Ok(None) };
        expect(c, peepholes, "P", &[self.rows(), 3 * self.hidden])?;
        c.unsqueeze(peepholes, &[1]).map(Some)
    }

    /// The state before the first element: input `index`, or zeros; [directions, batch, hidden].
    pub(super) fn initial(&self, c: &mut Context<'_>, index: usize, name: &str) -> Result<TensorId> {
        let (batch, rows) = (self.batch(c), self.rows());
        if let Some(first) = c.optional(index)? {
            if self.batch_first {
                expect(c, first, name, &[batch, rows, self.hidden])?;
                return c.transpose(first, &[1, 0, 2]);
            }
            expect(c, first, name, &[rows, batch, self.hidden])?;
            return Ok(first);
        }
        let shape = c.shape_of(self.x)?;
        let batch = c.shape_pick(&shape, &[1])?;
        let shape = c.shape_concat(&[Shape::Known(vec![rows]), batch, Shape::Known(vec![self.hidden])])?;
        c.filled(c.dtype(self.x), 0.0, &shape)
    }

    /// The weights of the state.
    pub(super) fn recurrent_weights(&self) -> TensorId {
        self.recurrent
    }

    /// `count` gates from `first` of what has all of them along `axis`.
    pub(super) fn gates(
        &self,
        c: &mut Context<'_>,
        x: TensorId,
        axis: usize,
        first: i64,
        count: i64,
    ) -> Result<TensorId> {
        c.part(x, axis, first * self.hidden, count * self.hidden)
    }

    /// Multiplies the whole sequence by the weights of the input and adds a bias, [directions, 1, gates · hidden].
    pub(super) fn project_input(&mut self, c: &mut Context<'_>, bias: Option<TensorId>) -> Result<()> {
        for direction in 0..self.rows() {
            let weights = self.of_direction(c, self.weights, direction)?;
            let mut projected = self.project(c, self.x, weights)?;
            if let Some(bias) = bias {
                let bias = self.of_direction(c, bias, direction)?;
                projected = c.binary(ElementWiseOperation::Sum, projected, bias)?;
            }
            self.projected.push(projected);
        }
        Ok(())
    }

    /// The row of a direction of what has one for each.
    fn of_direction(&self, c: &mut Context<'_>, x: TensorId, direction: i64) -> Result<TensorId> {
        if self.direction == Direction::Both { c.row(x, direction) } else { Ok(x) }
    }

    /// Begins the loop.
    pub(super) fn enter(&mut self, c: &mut Context<'_>) -> Result<()> {
        let loop_id = c.counted_loop(self.length)?;
        let mut within = None;
        if let Some(ends) = self.ends {
            let position = c.recurrence(loop_id, ends.first)?;
            let next = c.binary(ElementWiseOperation::Sum, position, ends.step)?;
            c.carry(position, next)?;
            within = Some(c.binary(ElementWiseOperation::Less, position, ends.lengths)?);
        }
        self.inside = Some((loop_id, within));
        Ok(())
    }

    fn inside(&self) -> Result<(LoopId, Option<TensorId>)> {
        self.inside.ok_or_else(|| Refusal::graph("the loop over the sequence has not begun"))
    }

    /// A value that the loop carries on.
    pub(super) fn state(&self, c: &mut Context<'_>, first: TensorId) -> Result<TensorId> {
        c.recurrence(self.inside()?.0, first)
    }

    /// The present element of the projected input in each direction: [directions, batch, gates · hidden].
    pub(super) fn projected_input(&self, c: &mut Context<'_>) -> Result<TensorId> {
        let (loop_id, _) = self.inside()?;
        let mut elements = Vec::with_capacity(2);
        for (index, &projected) in self.projected.iter().enumerate() {
            let reverse = self.direction == Direction::Reverse || index == 1;
            let element = c.iterate(loop_id, projected, 0, reverse)?;
            elements.push(c.unsqueeze(element, &[0])?);
        }
        if let [only] = *elements { Ok(only) } else { c.concat(&elements, 0) }
    }

    /// The state times its weights: [directions, batch, gates · hidden].
    pub(super) fn projected_state(&self, c: &mut Context<'_>, state: TensorId) -> Result<TensorId> {
        self.project(c, state, self.recurrent)
    }

    /// `x` times the transpose of `weights`, for each direction.
    pub(super) fn project(&self, c: &mut Context<'_>, x: TensorId, weights: TensorId) -> Result<TensorId> {
        let ops = [MatrixOperation::None, MatrixOperation::Transpose];
        c.add(LayerKind::MatrixMultiply { ops }, &[x, weights])
    }

    /// Ends the loop: what an element makes, and each state with its next value; the outputs of the node.
    ///
    /// Past the end of a sequence the states stay, and zeros are made.
    pub(super) fn leave(
        self,
        c: &mut Context<'_>,
        mut made: TensorId,
        states: &[(TensorId, TensorId)],
    ) -> Result<Outputs> {
        let (loop_id, within) = self.inside()?;
        let mut last = Vec::with_capacity(states.len());
        for &(state, mut next) in states {
            if let Some(within) = within {
                next = c.select(within, next, state)?;
            }
            c.carry(state, next)?;
            last.push(state);
        }
        if let Some(within) = within {
            let zero = c.scalar_like(made, 0.0)?;
            made = c.select(within, made, zero)?;
        }
        let length = Some(self.length);
        let mut all = match self.direction {
            Direction::Forward => c.collect(loop_id, made, 0, false, length)?,
            Direction::Reverse => c.collect(loop_id, made, 0, true, length)?,
            Direction::Both => {
                let rows = [c.row(made, 0)?, c.row(made, 1)?];
                let rows =
                    [c.collect(loop_id, rows[0], 0, false, length)?, c.collect(loop_id, rows[1], 0, true, length)?];
                c.concat(&rows, 1)?
            }
        };
        if self.batch_first {
            all = c.transpose(all, &[2, 0, 1, 3])?;
        }
        let mut outputs = vec![all.into()];
        for state in last {
            let mut value = c.last(loop_id, state)?;
            if self.batch_first {
                value = c.transpose(value, &[1, 0, 2])?;
            }
            outputs.push(value.into());
        }
        Ok(outputs)
    }
}

/// Refuses a tensor of other dimensions as far as they are known; −1 stands for any.
fn expect(c: &Context<'_>, x: TensorId, name: &str, expected: &[i64]) -> Result<()> {
    let dims = c.dims(x);
    let fits = |(&extent, &expected): (&i64, &i64)| extent < 0 || expected < 0 || extent == expected;
    if dims.rank() == expected.len() && dims.iter().zip(expected).all(fits) {
        return Ok(());
    }
    Err(Refusal::shape(format!("{name} has dimensions {dims}, not {expected:?}")))
}
