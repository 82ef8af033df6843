//! A schedule on buffers.

use std::time::Instant;

use smallvec::SmallVec;

use super::engine::Engine;
use super::hooks::LayerProfiler;
use super::schedule::{Operand, Place, Schedule, Step};
use crate::memory::{Lease, Regions, Span};
use crate::ops::{self, Call};
use crate::tensor::{TensorMut, TensorView};
use crate::{Error, Result};

/// What a schedule reads besides its regions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'r> {
    pub(super) engine: &'r Engine,
    pub(super) schedule: &'r Schedule,
    /// The user's input buffers, each of exactly the bytes that the schedule wants.
    pub(super) inputs: &'r [&'r [u8]],
}

/// Runs every step; region 0 of `regions` is the arena, region 1 + i the buffer of output i.
///
/// # Errors
/// What a layer refuses, with its name.
pub(super) fn execute(
    sources: Sources<'_>,
    regions: &mut Regions<'_>,
    mut profiler: Option<&mut (dyn LayerProfiler + 'static)>,
) -> Result<()> {
    for step in &sources.schedule.steps {
        let started = profiler.is_some().then(Instant::now);
        let name = &sources.engine.graph().layers[step.layer].name;
        run(sources, step, regions).map_err(|error| error.at(name))?;
        if let (Some(started), Some(profiler)) = (started, profiler.as_deref_mut()) {
            profiler.report(name, started.elapsed().as_secs_f32() * 1e3);
        }
    }
    for (from, output) in &sources.schedule.copies {
        let mut lease = regions.lease();
        let source = read(sources, from, &mut lease)?;
        let bytes = source.bytes();
        let target = lease.write(Span { region: output + 1, start: 0, len: bytes.len() })?;
        target.copy_from_slice(bytes);
    }
    Ok(())
}

fn read<'s, 'r: 's>(sources: Sources<'r>, operand: &Operand, lease: &mut Lease<'s>) -> Result<TensorView<'s>> {
    let missing = || Error::internal("a buffer is missing");
    let bytes: &'s [u8] = match operand.place {
        Place::Input(input) => sources.inputs.get(input).copied().ok_or_else(missing)?,
        Place::Weights(id) => &sources.engine.graph().weights(id).storage,
        Place::Host(index) => sources.schedule.host.get(index).ok_or_else(missing)?,
        Place::Region(span) => lease.read(span)?,
    };
    TensorView::new(operand.dtype, operand.dims, bytes)
}

fn run(sources: Sources<'_>, step: &Step, regions: &mut Regions<'_>) -> Result<()> {
    let kernel = sources.engine.kernel(step.layer)?;
    let mut lease = regions.lease();
    let mut outputs: SmallVec<[TensorMut<'_>; 2]> = SmallVec::new();
    for operand in &step.outputs {
        let Place::Region(span) = operand.place else {
            return Err(Error::internal("an output has no memory"));
        };
        outputs.push(TensorMut::new(operand.dtype, operand.dims, lease.write(span)?)?);
    }
    let scratch = lease.write(step.scratch)?;
    let mut inputs: SmallVec<[Option<TensorView<'_>>; 8]> = SmallVec::new();
    for operand in &step.inputs {
        inputs.push(match operand {
            Some(operand) => Some(read(sources, operand, &mut lease)?),
            None => None,
        });
    }
    ops::run(kernel, &mut Call { inputs: &inputs, outputs: &mut outputs, scratch })
}
