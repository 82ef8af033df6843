//! Builds, inspects and times TensorRT engines from the command line, on a GPU or in emulation.
#![forbid(unsafe_code)]

mod build;
mod failure;
mod inputs;
mod inspect;
mod lane;
mod layer_times;
mod library;
mod logging;
mod options;
mod profile;
mod progress;
mod report;
mod run;
mod values;

use std::process::ExitCode;

use crate::failure::{Failure, Result};
use crate::library::Machine;
use crate::logging::Logger;
use crate::options::{Command, Options};
use crate::report::{EngineReport, Performance, Report};
use clap::Parser;

fn main() -> ExitCode {
    let options = Options::parse();
    let logger = Logger::install(options.report.verbose);
    let done = match &options.command {
        Some(Command::Inspect { onnx, format }) => inspect::inspect(onnx, *format),
        None => execute(&options, logger).map(|()| true),
    };
    let (code, text) = match done {
        Ok(true) => (0, String::new()),
        Ok(false) => (1, String::new()),
        Err(failure) => (failure.exit_code(), failure.to_string()),
    };
    logger.release(&text);
    if !text.is_empty() {
        eprintln!("{text}");
    }
    ExitCode::from(code)
}

/// Builds or loads an engine, runs it, and reports.
fn execute(options: &Options, logger: &'static Logger) -> Result<()> {
    options.check_files()?;
    let machine = Machine::open(&options.library)?;
    let mut report = Report { library: machine.library().info().to_string(), ..Report::default() };
    let made = match (&options.model.onnx, &options.model.load_engine) {
        (Some(onnx), _) => {
            report.source.clone_from(onnx);
            let (plan, build) = build::build(machine.library(), onnx, options, logger)?;
            report.build = Some(build);
            let built_only = options.model.skip_inference && !options.report.dump_layer_info;
            if built_only {
                return report.print(&options.report);
            }
            machine.deserialize(&plan)
        }
        (None, Some(path)) => {
            report.source.clone_from(path);
            machine.deserialize_file(path)
        }
        (None, None) => return Err(Failure::usage("begin", "neither --onnx nor --loadEngine is given")),
    };
    let engine = match made {
        Ok(engine) => engine,
        Err(failure) => {
            // What was built, and perhaps saved, is told all the same.
            if report.build.is_some() {
                report.print(&options.report)?;
            }
            return Err(failure);
        }
    };
    report.device = Some(engine.device().name().to_owned());
    report.engine = Some(EngineReport::of(&engine));
    if options.report.dump_layer_info {
        report.layers = Some(report::layers::layers(&engine)?);
    }
    if !options.model.skip_inference {
        infer(&engine, options, &mut report)?;
    }
    report.print(&options.report)
}

fn infer(engine: &tensorrt::Engine, options: &Options, report: &mut Report) -> Result<()> {
    let measured = run::run(engine, &options.inference)?;
    report.performance = Performance::of(&measured, options.inference.streams.get(), &options.report.percentile);
    if let Some(path) = &options.report.export_times {
        report::write_json(path, &measured.queries)?;
    }
    if let Some(path) = &options.report.export_output {
        report::write_json(path, &measured.outputs)?;
    }
    if options.report.export_profile.is_some() || options.report.dump_profile {
        let times = layer_times::measure(engine, &options.inference)?;
        if let Some(path) = &options.report.export_profile {
            report::write_json(path, &times.to_json())?;
        }
        if options.report.dump_profile {
            report.layer_times = Some(times);
        }
    }
    if options.report.dump_output {
        report.outputs = Some(measured.outputs);
    }
    Ok(())
}
