//! The steps of a run for concrete shapes, and where each tensor lies.

use smallvec::SmallVec;
use tensorrt_sys::DataType;

use super::arena::{self, Block};
use super::engine::Engine;
use super::shapes::{Shapes, is_constant};
use super::view::is_view;
use crate::graph::{LayerKind, TensorId, WeightsId};
use crate::memory::{Span, Storage};
use crate::tensor::{Dims, byte_len};
use crate::{Error, Result};

/// Where a tensor's bytes are during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The user's buffer of an input, unless that is an output's too.
    Input(usize),
    /// Weights of the plan.
    Weights(WeightsId),
    /// Elements the host knew when the run was planned.
    Host(usize),
    /// Region 0 is the arena, region 1 + i the user's buffer of output i.
    Region(Span),
}

/// A tensor of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub(super) place: Place,
    pub(super) dtype: DataType,
    pub(super) dims: Dims,
}

/// One run of a kernel.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) layer: usize,
    pub(super) inputs: SmallVec<[Option<Operand>; 4]>,
    pub(super) outputs: SmallVec<[Operand; 2]>,
    pub(super) scratch: Span,
}

/// A run for concrete shapes, planned once and executed any number of times.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(super) steps: Vec<Step>,
    /// Outputs that no kernel writes in place: they are copied from elsewhere at the end.
    pub(super) copies: Vec<(Operand, usize)>,
    pub(super) host: Vec<Storage>,
    pub(super) output_bytes: Vec<usize>,
    pub(super) input_bytes: Vec<usize>,
    arena_bytes: usize,
    #[cfg(test)]
    live_bytes: usize,
}

/// Where a tensor will lie, before offsets are known.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Fixed(Place),
    /// A group of tensors that are one another's views.
    Group(usize),
}

#[derive(Debug)]
struct Group {
    block: Block,
    output: Option<usize>,
}

struct Planner<'e> {
    engine: &'e Engine,
    shapes: &'e Shapes,
    slots: Vec<Option<Slot>>,
    groups: Vec<Group>,
    host: Vec<Storage>,
    /// The layers that run, in order.
    order: Vec<usize>,
    /// The inputs that were updated in place, and their views.
    updated: Vec<TensorId>,
}

impl Schedule {
    /// Plans a run.
    ///
    /// # Errors
    /// An extent is not known, or the sizes overflow.
    pub(crate) fn new(engine: &Engine, shapes: &Shapes) -> Result<Self> {
        let mut planner = Planner {
            engine,
            shapes,
            slots: vec![None; engine.graph().tensors.len()],
            groups: Vec::new(),
            host: Vec::new(),
            order: Vec::new(),
            updated: Vec::new(),
        };
        let live = planner.live_layers();
        planner.assign(&live)?;
        planner.finish()
    }

    /// The bytes of the arena.
    pub(crate) fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// The bytes of the largest set of tensors and scratch space that lives at one time.
    #[cfg(test)]
    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }
}

impl Planner<'_> {
    /// Which layers the outputs (and assertions) need, given what the host knows already.
    fn live_layers(&self) -> Vec<bool> {
        let graph = self.engine.graph();
        let mut live = vec![false; graph.layers.len()];
        let mut needed = vec![false; graph.tensors.len()];
        graph.outputs.iter().for_each(|id| needed[id.0 as usize] = true);
        for (index, layer) in graph.layers.iter().enumerate().rev() {
            let asserts = matches!(layer.kind, LayerKind::Assertion { .. });
            let runs = asserts
                || layer.outputs.iter().any(|&id| needed[id.0 as usize] && self.shapes.host_bytes(id).is_none());
            if runs && !is_constant(&layer.kind) {
                live[index] = true;
                layer.inputs.iter().flatten().for_each(|id| needed[id.0 as usize] = true);
            }
        }
        live
    }

    fn bytes(&self, id: TensorId) -> Result<usize> {
        let value = &self.shapes.values[id.0 as usize];
        let bytes = value.dims.volume().and_then(|count| byte_len(value.dtype, count));
        bytes.ok_or_else(|| {
            let name = &self.engine.graph().tensor(id).name;
            Error::internal(format!("the extents {} of \"{name}\" are not known", value.dims))
        })
    }

    /// Where a tensor lies that no live layer makes.
    fn fixed(&mut self, id: TensorId) -> Result<Slot> {
        if let Some(slot) = self.slots[id.0 as usize] {
            return Ok(slot);
        }
        let graph = self.engine.graph();
        let place = if let Some(storage) = self.shapes.host_bytes(id) {
            self.host.push(storage);
            Place::Host(self.host.len() - 1)
        } else if let Some(input) = graph.inputs.iter().position(|&input| input == id) {
            match self.engine.alias_of_input(input) {
                // The cache is where its update is written.
                Some(output) => Place::Region(Span { region: output + 1, start: 0, len: self.bytes(id)? }),
                None => Place::Input(input),
            }
        } else {
            let producer = graph.tensor(id).producer.map(|(layer, _)| &graph.layer(layer).kind);
            let Some(LayerKind::Constant { weights, .. }) = producer else {
                return Err(Error::internal(format!("\"{}\" is read before it is made", graph.tensor(id).name)));
            };
            Place::Weights(*weights)
        };
        let slot = Slot::Fixed(place);
        self.slots[id.0 as usize] = Some(slot);
        Ok(slot)
    }

    fn new_group(&mut self, id: TensorId, step: usize) -> Result<()> {
        let bytes = self.bytes(id)?;
        self.groups.push(Group { block: Block { bytes, first: step, last: step }, output: None });
        self.slots[id.0 as usize] = Some(Slot::Group(self.groups.len() - 1));
        Ok(())
    }

    /// Gives every tensor of a live layer its slot, and every group its life.
    fn assign(&mut self, live: &[bool]) -> Result<()> {
        let graph = self.engine.graph();
        for (index, layer) in graph.layers.iter().enumerate().filter(|&(index, _)| live[index]) {
            let step = self.order.len();
            if let Some(&id) = layer.inputs.iter().flatten().find(|id| self.updated.contains(id)) {
                return Err(late(graph, id));
            }
            if let (Some(from), &[to]) = (layer.input(0), &layer.outputs[..]) {
                let same_type = graph.tensor(from).dtype == graph.tensor(to).dtype;
                if is_view(layer, same_type, &self.shapes.dims(from), &self.shapes.dims(to)) {
                    self.slots[to.0 as usize] = Some(self.fixed(from)?);
                    continue;
                }
            }
            for &id in layer.inputs.iter().flatten() {
                if let Slot::Group(group) = self.fixed(id)? {
                    self.groups[group].block.last = step;
                }
            }
            for &id in &layer.outputs {
                self.new_group(id, step)?;
            }
            self.order.push(index);
            let cache = layer.input(0).filter(|_| matches!(layer.kind, LayerKind::KvCacheUpdate(_)));
            if let Some(Slot::Fixed(place @ Place::Region(_))) = cache.and_then(|id| self.slots[id.0 as usize]) {
                let same = |slot: &Option<Slot>| matches!(slot, Some(Slot::Fixed(other)) if *other == place);
                let all = (0u32..).map(TensorId).zip(&self.slots);
                self.updated.extend(all.filter(|(_, slot)| same(slot)).map(|(id, _)| id));
            }
        }
        Ok(())
    }

    fn place(&self, slot: Slot, offsets: &[usize]) -> Place {
        match slot {
            Slot::Fixed(place) => place,
            Slot::Group(index) => {
                let group = &self.groups[index];
                let len = group.block.bytes;
                Place::Region(match group.output {
                    Some(output) => Span { region: output + 1, start: 0, len },
                    None => Span { region: 0, start: offsets[index], len },
                })
            }
        }
    }

    fn operand(&mut self, id: TensorId, offsets: &[usize]) -> Result<Operand> {
        let slot = self.fixed(id)?;
        let value = &self.shapes.values[id.0 as usize];
        Ok(Operand { place: self.place(slot, offsets), dtype: value.dtype, dims: value.dims })
    }

    fn finish(mut self) -> Result<Schedule> {
        let graph = self.engine.graph();
        let end = self.order.len();
        let mut copied = Vec::new();
        for (output, &id) in graph.outputs.iter().enumerate() {
            match self.fixed(id)? {
                Slot::Group(group) if self.groups[group].output.is_none() => self.groups[group].output = Some(output),
                slot => {
                    if self.updated.contains(&id) {
                        return Err(late(graph, id));
                    }
                    if let Slot::Group(group) = slot {
                        self.groups[group].block.last = end;
                    }
                    copied.push((id, output));
                }
            }
        }
        // Blocks of the arena: groups outside of the user's buffers (those inside count 0 bytes), then each step's scratch space.
        let mut blocks: Vec<Block> = self.groups.iter().map(|group| group.block).collect();
        for (block, group) in blocks.iter_mut().zip(&self.groups) {
            block.bytes = if group.output.is_some() { 0 } else { block.bytes };
        }
        for (step, &layer) in self.order.iter().enumerate() {
            let described: SmallVec<[_; 8]> = graph.layers[layer]
                .inputs
                .iter()
                .map(|id| id.map(|id| (self.shapes.values[id.0 as usize].dtype, self.shapes.dims(id))))
                .collect();
            let bytes = self.engine.kernel(layer)?.scratch_bytes(&described);
            blocks.push(Block { bytes, first: step, last: step });
        }
        let placement = arena::place(&blocks)?;
        let mut steps = Vec::with_capacity(end);
        for (step, layer) in self.order.clone().into_iter().enumerate() {
            let mut inputs = SmallVec::new();
            for id in &graph.layers[layer].inputs {
                inputs.push(match id {
                    Some(id) => Some(self.operand(*id, &placement.offsets)?),
                    None => None,
                });
            }
            let mut outputs = SmallVec::new();
            for &id in &graph.layers[layer].outputs {
                outputs.push(self.operand(id, &placement.offsets)?);
            }
            // What is updated in place has no memory apart from the output's.
            let place = outputs.first().map(|output: &Operand| output.place);
            let in_place = |input: &Option<Operand>| input.map(|input| input.place) == place;
            if matches!(graph.layers[layer].kind, LayerKind::KvCacheUpdate(_)) && inputs.first().is_some_and(in_place) {
                inputs[0] = None;
            }
            let which = self.groups.len() + step;
            let scratch = Span { region: 0, start: placement.offsets[which], len: blocks[which].bytes };
            steps.push(Step { layer, inputs, outputs, scratch });
        }
        let mut copies = Vec::with_capacity(copied.len());
        for (id, output) in copied {
            copies.push((self.operand(id, &placement.offsets)?, output));
        }
        let bytes = |ids: &[TensorId]| ids.iter().map(|&id| self.bytes(id)).collect::<Result<Vec<_>>>();
        Ok(Schedule {
            steps,
            copies,
            output_bytes: bytes(&graph.outputs)?,
            input_bytes: bytes(&graph.inputs)?,
            host: self.host,
            arena_bytes: placement.bytes,
            #[cfg(test)]
            live_bytes: arena::largest_live_set(&blocks)?,
        })
    }
}

fn late(graph: &crate::graph::Graph, id: TensorId) -> Error {
    let name = &graph.tensor(id).name;
    Error::unsupported(format!(
        "\"{name}\" is read after its update in place: read the update's output, or read it earlier"
    ))
}
