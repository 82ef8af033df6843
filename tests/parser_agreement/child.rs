//! Asking a library in other processes: NVIDIA's hangs on some models and crashes on others.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tensorrt::{Family, Library};
use tensorrt_emulator::Emulator;

use super::cases::Case;
use super::facts::{Facts, Pair};

/// Tells the child which library it asks.
const LIBRARY: &str = "TENSORRT_TEST_PARSER_AGREEMENT";
/// Begins the lines that the child's parent reads; others are the test harness's and the library's.
const START: &str = "\u{1}start";
const ANSWER: &str = "\u{1}answer";
/// The models that one process is given.
const BATCH: usize = 60;
/// How long one model may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which library is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// NVIDIA's, in `TENSORRT_TEST_RTX17`.
    Nvidia,
    /// The emulator as the same release, strict.
    Emulator,
}

/// What came of asking.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Facts(Facts),
    Hung,
    /// How the process ended.
    #[allow(dead_code, reason = "shown with the rest")]
    Crashed(String),
}

impl Answer {
    /// Whether the model parses and is built; none where the process did not live to say.
    pub(crate) fn pair(&self) -> Option<Pair> {
        match self {
            Self::Facts(facts) => Some(facts.pair()),
            Self::Hung | Self::Crashed(_) => None,
        }
    }
}

impl Asked {
    fn library(name: &str) -> Library {
        if name == "emulator" {
            let version = tensorrt::Version::new(1, 7, 1);
            return Emulator::of(Family::RtxNew, version).unwrap().with_strict(true).library();
        }
        Library::load_from(std::env::var_os("TENSORRT_TEST_RTX17").unwrap()).unwrap()
    }

    /// Asks about all cases, in two processes at a time.
    pub(crate) fn about(self, cases: &[Case]) -> BTreeMap<String, Answer> {
        let batches = Mutex::new(cases.chunks(BATCH));
        let answers = Mutex::new(BTreeMap::new());
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    loop {
                        let Some(batch) = batches.lock().unwrap().next() else { return };
                        self.batch(batch, |name, answer| _ = answers.lock().unwrap().insert(name, answer));
                    }
                });
            }
        });
        answers.into_inner().unwrap()
    }

    /// Asks about a batch, in a new process after each that had to be ended.
    fn batch(self, mut batch: &[Case], mut report: impl FnMut(String, Answer)) {
        while !batch.is_empty() {
            let mut process = Process::start(self, batch);
            let (done, answer) = process.answers(&mut report);
            if let Some(answer) = answer {
                report(batch[done].name(), answer);
                batch = &batch[done + 1..];
            } else {
                assert_eq!(done, batch.len(), "a process ended early");
                return;
            }
        }
    }
}

struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(asked: Asked, batch: &[Case]) -> Self {
        let name = if asked == Asked::Nvidia { "nvidia" } else { "emulator" };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::asks_about_a_batch", "--ignored", "--nocapture", "--test-threads=1"])
            .env(LIBRARY, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let batch: Vec<String> = batch.iter().map(Case::to_line).collect();
        input.write_all(batch.join("\n").as_bytes()).unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// Reports answers until the process ends; how many there were, and what became of the model that was under way.
    fn answers(&mut self, report: &mut impl FnMut(String, Answer)) -> (usize, Option<Answer>) {
        let (mut done, mut under_way) = (0, false);
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(START) => under_way = true,
                Ok(line) => {
                    let Some((_, answer)) = line.split_once(ANSWER) else { continue };
                    let (name, facts): (String, Facts) = serde_json::from_str(answer).unwrap();
                    report(name, Answer::Facts(facts));
                    (done, under_way) = (done + 1, false);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    self.child.wait().unwrap();
                    return (done, Some(Answer::Hung));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().unwrap();
                    return (done, under_way.then(|| Answer::Crashed(status.to_string())));
                }
            }
        }
    }
}

/// What the other processes run: each line of the input is a case.
#[test]
#[ignore = "the other tests start it"]
fn asks_about_a_batch() {
    let Ok(name) = std::env::var(LIBRARY) else { return };
    let library = Asked::library(&name);
    for line in std::io::stdin().lock().lines() {
        let case = Case::from_line(&line.unwrap());
        println!("{START}");
        let facts = Facts::of(&library, &case);
        println!("{ANSWER}{}", serde_json::to_string(&(case.name(), facts)).unwrap());
    }
}
