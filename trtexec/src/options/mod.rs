//! The command line: NVIDIA's option names and grammars, as types.

mod byte_size;
mod named_list;
mod shape;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use byte_size::ByteSize;
pub(crate) use named_list::NamedList;
pub(crate) use shape::Shape;

use crate::failure::{self, Failure};

/// Builds TensorRT engines from ONNX models, inspects them and times them, on a GPU or in CPU emulation.
#[derive(Debug, Parser)]
#[command(name = "trtexec", version, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    #[command(flatten)]
    pub(crate) library: LibraryOptions,
    #[command(flatten)]
    pub(crate) build: BuildOptions,
    #[command(flatten)]
    pub(crate) inference: InferenceOptions,
    #[command(flatten)]
    pub(crate) report: ReportOptions,
}

/// What can be asked for instead of building and timing.
impl Options {
    /// Refuses files that cannot be written, before an engine is built that would be lost.
    pub(crate) fn check_files(&self) -> failure::Result<()> {
        let files = [
            ("--saveEngine", &self.model.save_engine),
            ("--timingCacheFile", &self.build.timing_cache_file),
            ("--exportTimes", &self.report.export_times),
            ("--exportOutput", &self.report.export_output),
            ("--exportProfile", &self.report.export_profile),
        ];
        for (option, path) in files.iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
            let refuse = |said: &str| Failure::new(format_args!("{option}={}", path.display()), said);
            if path.is_dir() {
                return Err(refuse("it is a folder; name a file in it"));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                return Err(refuse("there is no such folder; make it first"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows and validates an ONNX file: versions, inputs, outputs, operators, and what ONNX or TensorRT would refuse.
    Inspect {
        /// The model.
        onnx: PathBuf,
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned tables.
    Text,
    /// One JSON document.
    Json,
}

/// Where the engine comes from and goes to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelOptions {
    /// Build an engine from this ONNX model (external data is looked for beside it).
    #[arg(long, value_name = "FILE")]
    pub(crate) onnx: Option<PathBuf>,
    /// Write the built engine to this file.
    #[arg(long = "saveEngine", value_name = "FILE", requires = "onnx")]
    pub(crate) save_engine: Option<PathBuf>,
    /// Run this engine instead of building one.
    #[arg(long = "loadEngine", value_name = "FILE", conflicts_with = "onnx", required_unless_present = "onnx")]
    pub(crate) load_engine: Option<PathBuf>,
    /// Stop after building (and saving) the engine.
    #[arg(long = "skipInference", alias = "buildOnly")]
    pub(crate) skip_inference: bool,
}

/// Which TensorRT does the work.
#[derive(Debug, Args)]
#[command(next_help_heading = "Library")]
pub(crate) struct LibraryOptions {
    /// Use the CPU emulation: no GPU, no NVIDIA software.
    #[arg(long)]
    pub(crate) emulate: bool,
    /// Use this TensorRT library (a file, or a folder to search).
    #[arg(long, value_name = "PATH", conflicts_with = "emulate")]
    pub(crate) lib: Option<PathBuf>,
    /// The GPU to use.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) device: usize,
}

/// What the builder is asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build")]
pub(crate) struct BuildOptions {
    /// Smallest shape of each dynamic input, e.g. `input:1x3x224x224`.
    #[arg(long = "minShapes", value_name = "NAME:SHAPE,…")]
    pub(crate) min_shapes: Option<NamedList<Shape>>,
    /// Shape of each dynamic input to optimize for.
    #[arg(long = "optShapes", value_name = "NAME:SHAPE,…")]
    pub(crate) opt_shapes: Option<NamedList<Shape>>,
    /// Largest shape of each dynamic input.
    #[arg(long = "maxShapes", value_name = "NAME:SHAPE,…")]
    pub(crate) max_shapes: Option<NamedList<Shape>>,
    /// Allow half precision, beside single.
    #[arg(long)]
    pub(crate) fp16: bool,
    /// Allow 8-bit integers, beside single precision.
    #[arg(long)]
    pub(crate) int8: bool,
    /// Allow every precision the library has.
    #[arg(long)]
    pub(crate) best: bool,
    /// Limits of the memory pools, e.g. `workspace:1024,dlaSRAM:1` (MiB; or with suffix B, K, M, G).
    #[arg(long = "memPoolSize", value_name = "POOL:SIZE,…")]
    pub(crate) mem_pool_size: Option<NamedList<ByteSize>>,
    /// Limit of the workspace; the same as `--memPoolSize=workspace:SIZE`.
    #[arg(long, value_name = "SIZE")]
    pub(crate) workspace: Option<ByteSize>,
    /// How hard the builder searches, 0 (fast) to 5.
    #[arg(long = "builderOptimizationLevel", value_name = "N")]
    pub(crate) builder_optimization_level: Option<u32>,
    /// Compute capabilities to build for without a GPU (TensorRT-RTX), e.g. `86,89`.
    #[arg(long = "computeCapabilities", value_name = "N,…", value_delimiter = ',')]
    pub(crate) compute_capabilities: Vec<u32>,
    /// What the engine remembers of its layers.
    #[arg(long = "profilingVerbosity", value_enum, default_value_t = Verbosity::LayerNamesOnly)]
    pub(crate) profiling_verbosity: Verbosity,
    /// Read and write the timing cache in this file.
    #[arg(long = "timingCacheFile", value_name = "FILE")]
    pub(crate) timing_cache_file: Option<PathBuf>,
}

/// What the engine remembers of its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verbosity {
    /// Names.
    #[value(name = "layer_names_only")]
    LayerNamesOnly,
    /// Everything.
    #[value(name = "detailed")]
    Detailed,
    /// Nothing.
    #[value(name = "none")]
    None,
}

/// How the engine is run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inference")]
pub(crate) struct InferenceOptions {
    /// Shape of each dynamic input to run with; the profile's optimum where absent.
    #[arg(long, value_name = "NAME:SHAPE,…")]
    pub(crate) shapes: Option<NamedList<Shape>>,
    /// Contents of inputs: files of raw values in row-major order, or .npy. The rest are filled with random values, the same in
    /// every run: floats from -1 to 1, 8-bit integers of any value, wider integers and booleans 0 or 1.
    #[arg(long = "loadInputs", value_name = "NAME:FILE,…")]
    pub(crate) load_inputs: Option<NamedList<PathBuf>>,
    /// Run at least this often on each stream.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) iterations: usize,
    /// Run this many milliseconds before measuring.
    #[arg(long = "warmUp", value_name = "MS", default_value_t = 200)]
    pub(crate) warm_up: u64,
    /// Measure for at least this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    pub(crate) duration: f64,
    /// Run on this many streams at the same time, each with a context of its own.
    #[arg(long = "streams", alias = "infStreams", value_name = "N", default_value_t = NonZeroUsize::MIN)]
    pub(crate) streams: NonZeroUsize,
    /// Leave the copies between host and device out of the measured loop.
    #[arg(long = "noDataTransfers")]
    pub(crate) no_data_transfers: bool,
}

/// What is reported, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportOptions {
    /// Percentiles of the latency to report.
    #[arg(long, value_name = "P,…", value_delimiter = ',', default_values_t = [90.0, 95.0, 99.0], value_parser = percent)]
    pub(crate) percentile: Vec<f64>,
    /// Write the times of every run as JSON.
    #[arg(long = "exportTimes", value_name = "FILE")]
    pub(crate) export_times: Option<PathBuf>,
    /// Write the outputs of the last run as JSON.
    #[arg(long = "exportOutput", value_name = "FILE")]
    pub(crate) export_output: Option<PathBuf>,
    /// Time every layer and write the times as JSON.
    #[arg(long = "exportProfile", value_name = "FILE")]
    pub(crate) export_profile: Option<PathBuf>,
    /// Print the engine's layers.
    #[arg(long = "dumpLayerInfo")]
    pub(crate) dump_layer_info: bool,
    /// Print the time of every layer.
    #[arg(long = "dumpProfile")]
    pub(crate) dump_profile: bool,
    /// Print the outputs of the last run.
    #[arg(long = "dumpOutput")]
    pub(crate) dump_output: bool,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print everything the library logs.
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// A span of time that is not negative.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..1e9).contains(&seconds) => Ok(seconds),
        _ => Err(format!("`{text}` is no number of seconds")),
    }
}

/// A percentile.
fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err(format!("`{text}` is not between 0 and 100")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn nvidias_spelling_is_understood() {
        let options = Options::try_parse_from([
            "trtexec",
            "--onnx=m.onnx",
            "--minShapes=x:1x3x8x8",
            "--optShapes=x:2x3x8x8",
            "--maxShapes=x:4x3x8x8",
            "--memPoolSize=workspace:64",
            "--fp16",
            "--emulate",
            "--warmUp=0",
            "--iterations=3",
            "--duration=0",
        ])
        .unwrap();
        assert_eq!(options.build.max_shapes.unwrap().get("x").unwrap().0, [4, 3, 8, 8]);
        assert_eq!(options.build.mem_pool_size.unwrap().get("workspace"), Some(&ByteSize(64 << 20)));
        assert!(options.build.fp16 && options.library.emulate);
        assert_eq!((options.inference.warm_up, options.inference.iterations), (0, 3));
    }

    #[test]
    fn an_engine_comes_from_one_place() {
        assert!(Options::try_parse_from(["trtexec", "--emulate"]).is_err());
        assert!(Options::try_parse_from(["trtexec", "--onnx=a", "--loadEngine=b"]).is_err());
        assert!(Options::try_parse_from(["trtexec", "--loadEngine=b", "--lib=/x", "--emulate"]).is_err());
    }

    #[test]
    fn inspecting_needs_no_engine() {
        let options = Options::try_parse_from(["trtexec", "inspect", "m.onnx", "--format=json"]).unwrap();
        assert!(matches!(options.command, Some(Command::Inspect { format: Format::Json, .. })));
        assert!(Options::try_parse_from(["trtexec", "--emulate", "inspect", "m.onnx"]).is_err());
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for wrong in ["--streams=0", "--duration=-1", "--duration=nan", "--percentile=101", "--iterations=-1"] {
            assert!(Options::try_parse_from(["trtexec", "--loadEngine=b", wrong]).is_err(), "{wrong}");
        }
    }
}
