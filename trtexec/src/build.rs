//! From an ONNX model to a plan.

use std::path::Path;
use std::time::Instant;

use tensorrt::{
    Builder, BuilderConfig, BuilderFlag, ComputeCapability, ErrorKind, Library, MemoryPoolType, NetworkDefinition,
    OnnxParser, Plan, ProfilingVerbosity,
};

use crate::failure::{Failure, Result};
use crate::logging::Logger;
use crate::options::{BuildOptions, Options, Verbosity};
use crate::profile::{NetworkInput, profile};
use crate::progress::Bars;
use crate::report::BuildReport;

/// Builds the plan, and saves it if that is asked for.
pub(crate) fn build(
    library: &Library,
    onnx: &Path,
    options: &Options,
    logger: &'static Logger,
) -> Result<(Plan, BuildReport)> {
    let start = Instant::now();
    let builder = Builder::new(library)?;
    let network = builder.create_network(&[])?;
    let mut parser = OnnxParser::new(&network)?;
    parser.parse_file(onnx)?;
    let parsed = start.elapsed();
    let mut config = builder.create_builder_config()?;
    configure(&mut config, &options.build)?;
    let inputs = inputs(&network)?;
    if let Some(profile) = profile(&inputs, &options.build, options.inference.shapes.as_ref())? {
        config.add_optimization_profile(&profile)?;
    }
    if let Some(bars) = Bars::on_terminal(logger.bars()) {
        match config.set_progress_monitor(Some(Box::new(bars))) {
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => log::info!("{error}"),
            set => set?,
        }
    }
    let plan = builder.build_serialized_network(&network, &config)?;
    if let Some(path) = &options.build.timing_cache_file {
        let cache = config.timing_cache()?.unwrap_or_default();
        std::fs::write(path, cache).map_err(|error| Failure::io("write the timing cache", path, &error))?;
    }
    if let Some(path) = &options.model.save_engine {
        plan.save(path)?;
    }
    let report = BuildReport {
        parse_seconds: parsed.as_secs_f64(),
        total_seconds: start.elapsed().as_secs_f64(),
        plan_bytes: plan.as_bytes().len(),
        layers: network.num_layers()?,
        saved_to: options.model.save_engine.clone(),
    };
    Ok((plan, report))
}

fn inputs(network: &NetworkDefinition<'_>) -> Result<Vec<NetworkInput>> {
    let mut inputs = Vec::new();
    for tensor in network.inputs()? {
        let name = tensor.name()?;
        let dims = tensor.dims()?.ok_or_else(|| {
            Failure::new(format_args!("use the input {name:?}"), "the model does not tell how many dimensions it has")
        })?;
        inputs.push(NetworkInput { name, dims: dims.to_vec(), is_shape: tensor.is_shape_tensor()? });
    }
    Ok(inputs)
}

fn configure(config: &mut BuilderConfig<'_>, options: &BuildOptions) -> Result<()> {
    precisions(config, options)?;
    if let Some(size) = options.workspace {
        config.set_memory_pool_limit(MemoryPoolType::Workspace, size.0)?;
    }
    for (name, size) in options.mem_pool_size.iter().flat_map(|list| &list.0) {
        config.set_memory_pool_limit(pool(name)?, size.0)?;
    }
    if let Some(level) = options.builder_optimization_level {
        config.set_builder_optimization_level(level)?;
    }
    if !options.compute_capabilities.is_empty() {
        let capabilities = options.compute_capabilities.iter().map(|number| capability(*number));
        let set = config.set_compute_capabilities(&capabilities.collect::<Result<Vec<_>>>()?);
        set.map_err(|error| {
            let unsupported = matches!(error.kind(), ErrorKind::Unsupported { .. });
            let failure = Failure::from(error);
            let hint = "only TensorRT for RTX takes --computeCapabilities; others build for the GPU of this machine";
            if unsupported { failure.hint(hint) } else { failure }
        })?;
    }
    // Nothing is said where it is the default, which some releases cannot be told.
    match options.profiling_verbosity {
        Verbosity::LayerNamesOnly => {}
        Verbosity::Detailed => config.set_profiling_verbosity(ProfilingVerbosity::Detailed)?,
        Verbosity::None => config.set_profiling_verbosity(ProfilingVerbosity::None)?,
    }
    if let Some(path) = &options.timing_cache_file {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| Failure::io("read the timing cache", path, &error))?,
        };
        let cache = config.create_timing_cache(&bytes)?;
        config.set_timing_cache(cache, false)?;
    }
    Ok(())
}

/// Sets the flags of the precisions that were asked for.
fn precisions(config: &mut BuilderConfig<'_>, options: &BuildOptions) -> Result<()> {
    let wanted = [
        ("--fp16", options.fp16, &[BuilderFlag::Fp16][..]),
        ("--int8", options.int8, &[BuilderFlag::Int8]),
        ("--best", options.best, &[BuilderFlag::Fp16, BuilderFlag::Int8, BuilderFlag::Bf16]),
    ];
    for (option, _, flags) in wanted.into_iter().filter(|(_, asked, _)| *asked) {
        for flag in flags {
            config.set_flag(*flag).map_err(|error| {
                let unsupported = matches!(error.kind(), ErrorKind::Unsupported { .. });
                let failure = Failure::from(error);
                if !unsupported {
                    return failure;
                }
                failure.hint(format!(
                    "{option} is not yet possible here: this library builds strongly typed networks, whose precision is the \
                     model's own. Give it a model in that precision, or use TensorRT 10"
                ))
            })?;
        }
    }
    Ok(())
}

/// A memory pool by the name that NVIDIA's tool gives it.
fn pool(name: &str) -> Result<MemoryPoolType> {
    Ok(match name {
        "workspace" => MemoryPoolType::Workspace,
        "dlaSRAM" => MemoryPoolType::DlaManagedSram,
        "dlaLocalDRAM" => MemoryPoolType::DlaLocalDram,
        "dlaGlobalDRAM" => MemoryPoolType::DlaGlobalDram,
        "tacticSharedMem" => MemoryPoolType::TacticSharedMemory,
        _ => {
            let said = "the pools are workspace, dlaSRAM, dlaLocalDRAM, dlaGlobalDRAM and tacticSharedMem";
            return Err(Failure::usage(format_args!("--memPoolSize={name}"), said));
        }
    })
}

/// The compute capability that NVIDIA writes as 8.9, by 89.
fn capability(number: u32) -> Result<ComputeCapability> {
    let name = format!("kSM{number}");
    ComputeCapability::ALL.iter().find(|known| known.name() == name).copied().ok_or_else(|| {
        let known: Vec<&str> = ComputeCapability::ALL.iter().filter_map(|one| one.name().strip_prefix("kSM")).collect();
        let said = format!("TensorRT for RTX builds for {}", known.join(", "));
        Failure::usage(format_args!("--computeCapabilities={number}"), said)
    })
}

#[cfg(test)]
mod tests {
    use super::{capability, pool};
    use tensorrt::{ComputeCapability, MemoryPoolType};

    #[test]
    fn names_are_nvidias() {
        assert_eq!(pool("dlaLocalDRAM").unwrap(), MemoryPoolType::DlaLocalDram);
        assert!(pool("Workspace").unwrap_err().to_string().contains("tacticSharedMem"));
        assert_eq!(capability(89).unwrap(), ComputeCapability::Sm89);
        assert!(capability(88).unwrap_err().to_string().contains("86, 89"));
    }
}
