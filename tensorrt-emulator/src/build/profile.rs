//! Profiles, completed with the inputs that do not vary and checked against the network.

use std::collections::BTreeMap;

use crate::graph::{Graph, TensorInfo};
use crate::plan::{Profile, Selector};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The profiles of a build; a network whose inputs all have known dimensions gets one of its own where none is given. `shape_inputs` says
/// of each input whether shapes depend on its values.
///
/// # Errors
/// A dynamic input or a shape input is in no profile, minimum, optimum and maximum are not in order, or they contradict the network.
pub(super) fn complete(graph: &Graph, shape_inputs: &[bool], given: &[Profile]) -> Result<Vec<Profile>> {
    let varies =
        graph.inputs.iter().zip(shape_inputs).find(|&(&id, &shape)| shape || !graph.tensor(id).dims.is_static());
    if let (true, Some((&id, _))) = (given.is_empty(), varies) {
        return Err(Error::config(format!(
            "the network has dynamic or shape inputs (\"{}\"), but no optimization profile has been defined",
            graph.tensor(id).name
        )));
    }
    let one = [Profile::default()];
    let profiles = if given.is_empty() { &one[..] } else { given };
    let complete = |(index, profile): (usize, &Profile)| {
        complete_one(graph, shape_inputs, profile).map_err(|error| error.at(format!("profile {index}")))
    };
    profiles.iter().enumerate().map(complete).collect()
}

fn complete_one(graph: &Graph, shape_inputs: &[bool], given: &Profile) -> Result<Profile> {
    for name in given.dims.keys().chain(given.values.keys()) {
        if !graph.inputs.iter().any(|&id| graph.tensor(id).name == *name) {
            return Err(Error::config(format!("the network has no input \"{name}\"")));
        }
    }
    let mut profile = Profile::default();
    for (&id, &is_shape) in graph.inputs.iter().zip(shape_inputs) {
        let tensor = graph.tensor(id);
        let name = &tensor.name;
        let three = match given.dims.get(name) {
            Some(three) => *three,
            None if tensor.dims.is_static() => [tensor.dims; 3],
            None => {
                return Err(Error::config(format!("dynamic input \"{name}\" ({}) has no dimensions", tensor.dims)));
            }
        };
        check_dims(tensor, &three)?;
        profile.dims.insert(name.clone(), three);
        let values = given.values.get(name);
        if let Some(values) = values {
            check_values(tensor, &three, values)?;
            profile.values.insert(name.clone(), values.clone());
        } else if is_shape && !crate::tensor::is_float(tensor.dtype) {
            return Err(Error::config(format!("shapes depend on the input \"{name}\", but it has no values")));
        }
    }
    check_names(graph, &profile)?;
    Ok(profile)
}

fn check_dims(tensor: &TensorInfo, three: &[Dims; 3]) -> Result<()> {
    let name = &tensor.name;
    let [min, opt, max] = three;
    for (dims, selector) in three.iter().zip(Selector::ALL) {
        if dims.rank() != tensor.dims.rank() {
            return Err(Error::config(format!(
                "the {} {dims} of the input \"{name}\" does not have the rank of {}",
                selector.name(),
                tensor.dims
            )));
        }
        for (at, (&extent, &fixed)) in dims.iter().zip(tensor.dims.iter()).enumerate() {
            if extent < 0 || (fixed >= 0 && extent != fixed) {
                return Err(Error::config(format!(
                    "the {} {dims} of the input \"{name}\" contradicts the network's {} in dimension {at}",
                    selector.name(),
                    tensor.dims
                )));
            }
        }
    }
    let ordered = (0..min.rank()).all(|at| min[at] <= opt[at] && opt[at] <= max[at]);
    if !ordered {
        return Err(Error::config(format!(
            "the input \"{name}\" must have min <= opt <= max, but has {min}, {opt}, {max}"
        )));
    }
    Ok(())
}

fn check_values(tensor: &TensorInfo, dims: &[Dims; 3], values: &[Vec<i64>; 3]) -> Result<()> {
    let name = &tensor.name;
    let [min, opt, max] = values;
    for (values, (dims, selector)) in values.iter().zip(dims.iter().zip(Selector::ALL)) {
        if dims.volume() != Some(values.len()) {
            return Err(Error::config(format!(
                "the input \"{name}\" has {} {} values for dimensions {dims}",
                values.len(),
                selector.name()
            )));
        }
    }
    let ordered = min.iter().zip(opt).all(|(a, b)| a <= b) && opt.iter().zip(max).all(|(a, b)| a <= b);
    if !ordered {
        return Err(Error::config(format!("the values of the input \"{name}\" must have min <= opt <= max")));
    }
    Ok(())
}

/// Dimensions of one name are one extent: equal optima, as with TensorRT; of the ranges, the part that is common counts.
fn check_names(graph: &Graph, profile: &Profile) -> Result<()> {
    let mut known: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        let Some(three) = profile.dims.get(&tensor.name) else { continue };
        for (at, name) in tensor.dim_names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let extent = three[Selector::Opt as usize].get(at).copied().unwrap_or(Dims::DYNAMIC);
            let (place, first) = *known.entry(name).or_insert((&tensor.name, extent));
            if first != extent {
                return Err(Error::config(format!(
                    "the optimum of the dimension \"{name}\" is {first} in the input \"{place}\" and {extent} in \"{}\": \
                     dimensions of one name are equal",
                    tensor.name
                )));
            }
        }
    }
    Ok(())
}
