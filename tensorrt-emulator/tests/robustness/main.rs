//! Whatever the bytes of a model or of a plan, the emulator neither panics nor takes memory or time out of proportion.
//!
//! Models (those of `seeds`) and the plans built of them are mutated in an order that is the same in every run, for a minute, or for an hour
//! with `TENSORRT_TEST_LONG=1`. A failure names its mutant; `TENSORRT_TEST_MUTANT=<mutant>` does that one alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bytes;
mod harness;
mod memory;
mod model;
mod nesting;
mod plan;
mod random;
mod seeds;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message as _;
use tensorrt_emulator::build::{Quiet, build};
use tensorrt_emulator::onnx::proto::ModelProto;

use harness::{Outcome, Stage};
use memory::{Counting, NAME, measured};
use random::Random;
use seeds::Seed;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a mutant may take: a fixed amount and a multiple of its own size.
const MEMORY: usize = 64 << 20;
const MEMORY_A_BYTE: usize = 64;
const TIME: Duration = Duration::from_secs(20);

/// What is done with a mutant.
type Target = fn(&[u8], &Seed) -> Outcome;

fn onnx_target(bytes: &[u8], seed: &Seed) -> Outcome {
    harness::onnx(bytes, seed.folder.as_deref())
}

fn plan_target(bytes: &[u8], _: &Seed) -> Outcome {
    harness::plan(bytes)
}

/// A mutant: the seed's messages changed, the seed's bytes changed, or a plan's.
fn mutant(kind: &str, seed: &Seed, number: u64) -> Vec<u8> {
    let mut random = Random::new(number ^ checksum(&seed.name));
    match kind {
        "plan" => plan::mutate(&seed.bytes, &mut random),
        _ => {
            if !random.one_in(5)
                && let Ok(mut model) = ModelProto::decode(&seed.bytes[..])
            {
                model::mutate(&mut model, &mut random);
                return model.encode_to_vec();
            }
            let mut bytes = seed.bytes.clone();
            bytes::mutate(&mut bytes, &mut random);
            bytes
        }
    }
}

fn checksum(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// Runs mutants of every seed in turn until time is up; the failures, one a cause.
fn hunt(kind: &'static str, seeds: &[Seed], target: Target, budget: Duration) -> BTreeMap<String, String> {
    let only = std::env::var("TENSORRT_TEST_MUTANT").ok();
    let end = Instant::now() + budget;
    let mut failures = BTreeMap::new();
    let mut stages: BTreeMap<Stage, usize> = BTreeMap::new();
    let watch = Watch::start();
    'rounds: for number in 0.. {
        for seed in seeds {
            let name = format!("{kind}:{}:{number}", seed.name);
            match &only {
                Some(only) if *only != name => {
                    if Instant::now() > end {
                        break 'rounds;
                    }
                    continue;
                }
                Some(_) => {}
                None if Instant::now() > end => break 'rounds,
                None => {}
            }
            let bytes = mutant(kind, seed, number);
            watch.begin(&name);
            let start = Instant::now();
            // A run takes what its tensors take; what comes before is measured.
            let (ready, peak) = measured(|| catch_unwind(AssertUnwindSafe(|| target(&bytes, seed))));
            let result = ready.and_then(|outcome| catch_unwind(AssertUnwindSafe(|| outcome.run())));
            watch.end();
            match result {
                Ok(stage) => *stages.entry(stage).or_default() += 1,
                Err(_) => {
                    let place = PLACE.with(|place| place.borrow().clone());
                    failures.entry(format!("panic at {place}")).or_insert_with(|| name.clone());
                }
            }
            if peak > MEMORY + MEMORY_A_BYTE * bytes.len() {
                failures.entry(format!("{} took {} MiB", seed.name, peak >> 20)).or_insert_with(|| name.clone());
            }
            if start.elapsed() > TIME {
                failures.entry(format!("{} took {:?}", seed.name, start.elapsed())).or_insert_with(|| name.clone());
            }
            if only.is_some() {
                println!("{name}: {stages:?}, {} KiB, {:?}", peak >> 10, start.elapsed());
                break 'rounds;
            }
        }
    }
    println!("{kind}: {} mutants of {} seeds: {stages:?}", stages.values().sum::<usize>(), seeds.len());
    failures
}

thread_local! {
    static PLACE: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// Ends the process when a mutant does not come to an end.
struct Watch {
    started: Instant,
    /// The second at which the mutant began, from 1; 0 between mutants.
    since: Arc<AtomicU64>,
    name: Arc<Mutex<String>>,
}

impl Watch {
    fn start() -> Self {
        let watch = Self { started: Instant::now(), since: Arc::default(), name: Arc::default() };
        let (started, since, name) = (watch.started, Arc::downgrade(&watch.since), watch.name.clone());
        std::thread::spawn(move || {
            while let Some(since) = since.upgrade() {
                let begun = since.load(Ordering::Relaxed);
                drop(since);
                if begun != 0 && started.elapsed().as_secs() + 1 > begun + 60 {
                    eprintln!("{} does not come to an end", name.lock().unwrap());
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        watch
    }

    fn begin(&self, name: &str) {
        name.clone_into(&mut self.name.lock().unwrap());
        NAME.with_borrow_mut(|kept| name.clone_into(kept));
        self.since.store(self.started.elapsed().as_secs() + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }
}

fn budget() -> Duration {
    let long = std::env::var_os("TENSORRT_TEST_LONG").is_some_and(|value| value == "1");
    Duration::from_secs(if long { 3600 } else { 50 })
}

fn report(failures: &BTreeMap<String, String>) {
    for (what, mutant) in failures {
        println!("{what}: TENSORRT_TEST_MUTANT={mutant}");
    }
    assert!(failures.is_empty(), "{} failures", failures.len());
}

/// Panics are counted, not printed, and their places are kept.
fn quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        PLACE.with(|kept| *kept.borrow_mut() = format!("{place}: {}", info.payload_as_str().unwrap_or_default()));
        if !name.starts_with("mutated") || std::env::var_os("TENSORRT_TEST_MUTANT").is_some() {
            before(info);
        }
    }));
}

/// Runs the test of this name in a process of its own, since mutants may end it: its end and its output are then a failure as any other.
fn apart(test: &str, work: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        quiet();
        return work();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().filter(|line| line.contains("mutants of")).for_each(|line| println!("{line}"));
    assert!(output.status.success(), "{}:\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Set in the processes that [`apart`] starts.
const CHILD: &str = "TENSORRT_TEST_MUTANT_CHILD";

#[test]
fn mutated_models_are_errors_or_other_models() {
    apart("mutated_models_are_errors_or_other_models", || report(&hunt("onnx", &seeds::all(), onnx_target, budget())));
}

#[test]
fn mutated_plans_are_errors_or_other_plans() {
    apart("mutated_plans_are_errors_or_other_plans", mutated_plans);
}

fn mutated_plans() {
    let plan = |seed: Seed| {
        let bytes = harness::plan_of(&seed.bytes, seed.folder.as_deref())?;
        Some(Seed { bytes, ..seed })
    };
    let mut seeds: Vec<Seed> = seeds::all().into_iter().filter_map(plan).collect();
    for (name, network) in [("conditionals", nesting::conditionals(3)), ("loop", nesting::looped())] {
        let network = network.unwrap();
        let plan = build(&network, &harness::config(&network), &mut Quiet).unwrap();
        let bytes = plan.to_bytes().unwrap();
        // As many as the other seeds are, or they would hardly be mutated.
        seeds.extend((0..20).map(|index| Seed { name: format!("{name}{index}"), bytes: bytes.clone(), folder: None }));
    }
    report(&hunt("plan", &seeds, plan_target, budget()));
}
