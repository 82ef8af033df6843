//! Squeezes without axes, which the network's own dimensions decide.

use std::borrow::Cow;

use crate::Result;
use crate::graph::{Graph, LayerKind, TensorId};
use crate::tensor::{Dims, Tensor};

/// The graph with axes for squeezes that have none: the extents that are 1 in the network, not those that only a run makes 1.
///
/// # Errors
/// None that a network's graph leads to.
pub(super) fn fix_axes(graph: &Graph) -> Result<Cow<'_, Graph>> {
    let mut fixed = Cow::Borrowed(graph);
    for (index, layer) in graph.layers.iter().enumerate() {
        let (LayerKind::Squeeze, Some(input), None) = (&layer.kind, layer.input(0), layer.input(1)) else { continue };
        let axes = constant(fixed.to_mut(), &graph.tensor(input).dims)?;
        fixed.to_mut().layers[index].inputs = vec![Some(input), Some(axes)];
    }
    Ok(fixed)
}

fn constant(graph: &mut Graph, dims: &Dims) -> Result<TensorId> {
    let axes: Vec<i64> = (0i64..).zip(dims.iter()).filter(|&(_, &extent)| extent == 1).map(|(axis, _)| axis).collect();
    let count = Dims::new(&[i64::try_from(axes.len()).unwrap_or(0)])?;
    Ok(graph.add_constant("", &Tensor::from_slice(count, &axes)?))
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{DataType, Family, Version};

    use super::*;
    use crate::build::{BuildConfig, Quiet, build_engine};
    use crate::network::Network;
    use crate::plan::{Identity, Profile};

    #[test]
    fn extents_that_only_a_run_makes_1_stay() {
        for (declared, run, squeezed) in [([-1, 1, 3], [1, 1, 3], &[1, 3][..]), ([-1, 2, 3], [1, 2, 3], &[1, 2, 3])] {
            let mut network = Network::new();
            let x = network.add_input("x", DataType::Float, Dims::of(&declared).unwrap()).unwrap();
            let y = network.add_one(LayerKind::Squeeze, vec![Some(x)]).unwrap();
            network.mark_output(y);
            let mut profile = Profile::default();
            profile.dims.insert("x".to_owned(), [Dims::of(&run).unwrap(); 3]);
            let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
            config.profiles.push(profile);
            let mut context = build_engine(&network, &config, &mut Quiet).unwrap().create_context(None).unwrap();
            context.set_input_shape(0, Dims::of(&run).unwrap()).unwrap();
            let out =
                context.run_dynamic(&[&vec![0; usize::try_from(run.iter().product::<i64>()).unwrap() * 4]]).unwrap();
            assert_eq!(out[0].dims()[..], *squeezed, "{declared:?}");
        }
    }
}
