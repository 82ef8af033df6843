//! From a network to a plan.
//!
//! ```text
//! attention  what no attention could run with        progress  what a build reports
//! config     what the builder is asked for           prune     what no output needs
//! fold       layers computed at build time           squeeze   axes that the network decides
//! profile    profiles, completed and checked         strict    what NVIDIA's builder refuses
//! ```

mod attention;
mod config;
mod fold;
mod profile;
mod progress;
mod prune;
mod squeeze;
mod strict;
#[cfg(test)]
mod tests;

pub use config::BuildConfig;
pub use progress::{Progress, Quiet};

use std::sync::Arc;

use progress::Phase;

use crate::network::Network;
use crate::plan::{Plan, Selector};
use crate::run::{Engine, EngineOptions};
use crate::{Error, Result};

/// The phase around all others.
const BUILD: &str = "Building the engine";

/// Builds a plan (`IBuilder::buildSerializedNetwork`).
///
/// # Errors
/// The network has no outputs, a dynamic input is in no profile or a profile contradicts the network, a layer refuses a profile's shapes or
/// is not supported, or `progress` cancelled.
pub fn build(network: &Network, config: &BuildConfig, progress: &mut dyn Progress) -> Result<Plan> {
    let plan = build_engine(network, config, progress)?.plan().clone();
    Ok(if config.settings.stripped { plan.without_weights() } else { plan })
}

/// Builds a plan and makes an engine of it at once (`IBuilder::buildEngineWithConfig`).
///
/// # Errors
/// As [`build`].
pub fn build_engine(network: &Network, config: &BuildConfig, progress: &mut dyn Progress) -> Result<Arc<Engine>> {
    let graph = network.graph();
    let mut whole = Phase::start(progress, BUILD, None, 4);
    if graph.outputs.is_empty() {
        return Err(Error::config("the network has no outputs: mark at least one tensor"));
    }
    attention::check(graph)?;
    if config.strict {
        strict::check(graph)?;
    }
    let mut graph = prune::prune(&*squeeze::fix_axes(graph)?)?;
    whole.within("Folding constants", graph.layers.len(), |phase| fold::fold(&mut graph, &config.settings, phase))?;
    let graph = prune::prune(&graph)?;
    whole.step()?;
    let shape_inputs: Vec<bool> = crate::run::shape_inputs(&graph);
    let profiles = profile::complete(&graph, &shape_inputs, &config.profiles)?;
    whole.step()?;
    let plan = Plan { identity: config.identity.clone(), graph, profiles, settings: config.settings.clone() };
    let engine = Engine::from_plan(plan, EngineOptions { threads: config.threads })?;
    whole.step()?;
    let count = engine.profiles().len();
    whole.within("Checking the profiles", count * Selector::ALL.len(), |phase| {
        for profile in 0..count {
            for selector in Selector::ALL {
                let place = || format!("profile {profile}, {}", selector.name());
                engine.profile_shapes(profile, selector).map_err(|error| error.at(place()))?;
                phase.step()?;
            }
        }
        Ok(())
    })?;
    whole.step()?;
    whole.finish();
    Ok(engine)
}
