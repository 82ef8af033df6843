//! How far a build is, as progress bars on a terminal.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tensorrt::{Progress, ProgressEvent, ProgressMonitor};

/// One bar for each phase under way; phases within another are indented.
#[derive(Debug)]
pub(crate) struct Bars {
    bars: MultiProgress,
    phases: Mutex<HashMap<String, (usize, ProgressBar)>>,
}

impl Bars {
    /// Bars, if the standard error stream is a terminal.
    pub(crate) fn on_terminal(bars: &MultiProgress) -> Option<Self> {
        std::io::stderr().is_terminal().then(|| Self::new(bars))
    }

    fn new(bars: &MultiProgress) -> Self {
        Self { bars: bars.clone(), phases: Mutex::default() }
    }
}

impl ProgressMonitor for Bars {
    fn event(&self, event: ProgressEvent) -> Progress {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            ProgressEvent::PhaseStart { phase, parent, steps } => {
                let depth = parent.and_then(|parent| phases.get(&parent)).map_or(0, |(depth, _)| depth + 1);
                let bar = self.bars.add(ProgressBar::new(steps.into()).with_style(style()));
                bar.set_message(format!("{:indent$}{phase}", "", indent = 2 * depth));
                bar.enable_steady_tick(Duration::from_millis(200));
                phases.insert(phase, (depth, bar));
            }
            ProgressEvent::StepComplete { phase, step } => {
                if let Some((_, bar)) = phases.get(&phase) {
                    bar.set_position(u64::from(step) + 1);
                }
            }
            ProgressEvent::PhaseFinish { phase } => {
                if let Some((_, bar)) = phases.remove(&phase) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
            _ => {}
        }
        Progress::Continue
    }
}

/// `phase ███░░░ 12/40 3s`.
fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{msg:40} {bar:30} {pos:>5}/{len:<5} {elapsed}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::{Bars, style};
    use indicatif::{MultiProgress, ProgressDrawTarget};
    use tensorrt::{Progress, ProgressEvent, ProgressMonitor};

    #[test]
    fn phases_nest_advance_and_go() {
        let _ = style();
        let bars = Bars::new(&MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));
        let start = |phase: &str, parent: Option<&str>| ProgressEvent::PhaseStart {
            phase: phase.into(),
            parent: parent.map(str::to_owned),
            steps: 4,
        };
        bars.event(start("build", None));
        bars.event(start("fuse", Some("build")));
        assert_eq!(bars.event(ProgressEvent::StepComplete { phase: "fuse".into(), step: 1 }), Progress::Continue);
        {
            let phases = bars.phases.lock().unwrap();
            assert_eq!((phases["build"].0, phases["fuse"].0), (0, 1));
            assert_eq!(phases["fuse"].1.position(), 2);
        }
        bars.event(ProgressEvent::PhaseFinish { phase: "fuse".into() });
        bars.event(ProgressEvent::PhaseFinish { phase: "build".into() });
        assert!(bars.phases.lock().unwrap().is_empty());
    }
}
