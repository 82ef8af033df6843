//! Reports for people.

use std::fmt::{self, Display, Formatter};
use std::io::Write;

use super::latency::Latency;
use super::layers::layer_table;
use super::{BuildReport, EngineReport, OutputReport, Performance, Report, Table};
use crate::failure::{Failure, Result};
use crate::options::Shape;

/// Writes to the standard output. A reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new("write the report", error)),
        _ => Ok(()),
    }
}

/// `17 B`, `1.5 KiB`, `97.8 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut amount = count as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// `1 layer`, `2 layers`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The beginning of a section.
fn section(f: &mut Formatter<'_>, name: &str, rest: impl Display) -> fmt::Result {
    writeln!(f, "{name:<12}{rest}")
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        section(f, "TensorRT", &self.library)?;
        if let Some(device) = &self.device {
            section(f, "Device", device)?;
        }
        section(f, "Source", self.source.display())?;
        if let Some(build) = &self.build {
            section(f, "Build", build)?;
        }
        if let Some(engine) = &self.engine {
            section(f, "Engine", engine)?;
        }
        if let Some(layers) = &self.layers {
            write!(f, "\nLayers\n{}", layer_table(layers))?;
        }
        if let Some(performance) = &self.performance {
            write!(f, "\n{performance}")?;
        }
        if let Some(times) = &self.layer_times {
            write!(f, "\nLayer times\n{}", times.table())?;
        }
        for output in self.outputs.iter().flatten() {
            write!(f, "\n{output}")?;
        }
        Ok(())
    }
}

impl Display for BuildReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = bytes(self.plan_bytes as u64);
        let layers = count(self.layers, "layer");
        write!(f, "{size} from {layers} in {:.2} s ({:.2} s of it parsing)", self.total_seconds, self.parse_seconds)?;
        match &self.saved_to {
            Some(path) => write!(f, ", saved to {}", path.display()),
            None => f.write_str(", not saved"),
        }
    }
}

impl Display for EngineReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut facts = Vec::new();
        if !self.name.is_empty() {
            facts.push(format!("{:?}", self.name));
        }
        facts.extend(self.layers.map(|layers| count(layers, "layer")));
        facts.push(count(self.profiles, "profile"));
        facts.extend(self.context_bytes.map(|size| format!("{} of device memory a context", bytes(size))));
        writeln!(f, "{}", facts.join(", "))?;
        let text = |shape: &[i64]| {
            let extents: Vec<String> =
                shape.iter().map(|extent| if *extent < 0 { "?".to_owned() } else { extent.to_string() }).collect();
            if extents.is_empty() { "scalar".to_owned() } else { extents.join("x") }
        };
        let mut table = Table::new(&["tensor", "", "type", "shape", "min", "opt", "max"]);
        for tensor in &self.tensors {
            let mode = if tensor.input { "input" } else { "output" };
            let [min, opt, max] = match &tensor.range {
                Some(range) => range.each_ref().map(|shape| text(shape)),
                None => Default::default(),
            };
            table.row([&tensor.name, &mode, &tensor.data_type, &text(&tensor.shape), &min, &opt, &max]);
        }
        f.write_str(table.to_string().trim_end())
    }
}

impl Display for Performance {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let runs = if self.queries == 1 { "1 query".to_owned() } else { format!("{} queries", self.queries) };
        section(
            f,
            "Measured",
            format_args!("{runs} in {:.3} s on {}", self.wall_seconds, count(self.streams, "stream")),
        )?;
        section(f, "Throughput", format_args!("{:.2} queries/s", self.queries_per_second))?;
        let percents: Vec<String> =
            self.latency_ms.percentiles.iter().map(|(percent, _)| format!(">{percent}%")).collect();
        let mut heads = vec!["ms", ">min", ">mean", ">median", ">max"];
        heads.extend(percents.iter().map(String::as_str));
        let mut table = Table::new(&heads);
        let rows = [
            ("latency", &self.latency_ms),
            ("host to device", &self.h2d_ms),
            ("compute", &self.compute_ms),
            ("device to host", &self.d2h_ms),
            ("enqueue", &self.enqueue_ms),
        ];
        for (name, Latency { min, max, mean, median, percentiles }) in rows {
            let times = [min, mean, median, max].into_iter().chain(percentiles.iter().map(|(_, time)| time));
            table.cells(std::iter::once(name.to_owned()).chain(times.map(|time| format!("{time:.4}"))));
        }
        table.fmt(f)
    }
}

impl Display for OutputReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Output {:?} ({}, {})", self.name, self.dimensions, self.data_type)?;
        let texts = self.values.texts();
        let width = texts.iter().map(String::len).max().unwrap_or(0);
        let columns = self.dimensions.parse::<Shape>().ok().and_then(|shape| shape.0.last().copied());
        let columns = columns.and_then(|last| usize::try_from(last).ok()).unwrap_or(1).clamp(1, 10);
        for row in texts.chunks(columns) {
            let cells: Vec<String> = row.iter().map(|text| format!("{text:>width$}")).collect();
            writeln!(f, "  {}", cells.join("  "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;
    use crate::report::OutputReport;
    use crate::values::Values;
    use tensorrt::{DataType, Dims};

    #[test]
    fn sizes_have_one_decimal() {
        for (count, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB"), (3 << 40, "3.0 TiB")]
        {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn outputs_are_rows_of_their_last_dimension() {
        let values = Values::Integer(vec![1, -20, 3, 4]);
        let output = OutputReport::new("y", DataType::Int32, &Dims::from([2, 2]), values);
        assert_eq!(output.to_string(), "Output \"y\" (2x2, int32)\n    1  -20\n    3    4\n");
        let empty = OutputReport::new("y", DataType::Int32, &Dims::from([0, 2]), Values::Integer(Vec::new()));
        assert_eq!(empty.to_string(), "Output \"y\" (0x2, int32)\n");
    }
}
