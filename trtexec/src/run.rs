//! Running an engine again and again, and measuring how long everything takes.

use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use cuda_utils::Event;
use tensorrt::Engine;

use crate::failure::{Failure, Result};
use crate::inputs;
use crate::lane::Lane;
use crate::options::InferenceOptions;
use crate::report::{OutputReport, Query};

/// What was measured, and what came out.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Every measured query, stream by stream.
    pub(crate) queries: Vec<Query>,
    /// From the beginning of the first measured query to the end of the last, in seconds.
    pub(crate) wall_seconds: f64,
    /// The outputs of the last query of the first stream.
    pub(crate) outputs: Vec<OutputReport>,
}

/// The moment from which the times of all streams count.
#[derive(Debug, Clone)]
struct Origin {
    event: Event,
    instant: Instant,
}

/// Runs the engine on as many streams at a time as are asked for, each driven by a thread of its own.
pub(crate) fn run(engine: &Engine, options: &InferenceOptions) -> Result<Measured> {
    let shapes = inputs::shapes(engine, options)?;
    let lanes = (0..options.streams.get()).map(|_| Lane::new(engine, &shapes, options));
    let mut lanes = lanes.collect::<Result<Vec<Lane>>>()?;
    let event = Event::with_timing(engine.device())?;
    let (warm, started) = (Barrier::new(lanes.len() + 1), Barrier::new(lanes.len() + 1));
    let origin = OnceLock::new();
    let mut queries = Vec::new();
    std::thread::scope(|scope| {
        let drive = |(index, lane)| {
            let lane: &mut Lane = lane;
            let (warm, started, origin) = (&warm, &started, &origin);
            scope.spawn(move || {
                let warmed = warm_up(&mut *lane, options);
                // Both are met by every thread, whatever happened to it, so that none waits for ever.
                warm.wait();
                started.wait();
                warmed?;
                let Some(origin) = origin.get() else {
                    return Err(Failure::new("measure", "the device refused to note the time"));
                };
                measure(index, lane, options, origin)
            })
        };
        let threads: Vec<_> = lanes.iter_mut().enumerate().map(drive).collect();
        warm.wait();
        let noted = note(engine, &event).map(|set| origin.get_or_init(|| set));
        started.wait();
        for thread in threads {
            // A panic of a thread goes on here.
            let measured = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            queries.extend(measured?);
        }
        noted.map(drop)
    })?;
    let end = queries.iter().map(Query::end_ms).fold(0.0, f64::max);
    let start = queries.iter().map(|query| query.start_h2d_ms.min(query.start_enq_ms)).fold(f64::INFINITY, f64::min);
    let outputs = lanes.first_mut().map(Lane::outputs).transpose()?.unwrap_or_default();
    Ok(Measured { queries, wall_seconds: (end - start).max(0.0) / 1000.0, outputs })
}

/// Notes the time on the device and on the host.
fn note(engine: &Engine, event: &Event) -> Result<Origin> {
    let stream = tensorrt::Stream::new(engine.device())?;
    event.record(&stream)?;
    event.synchronize()?;
    Ok(Origin { event: event.clone(), instant: Instant::now() })
}

fn warm_up(lane: &mut Lane, options: &InferenceOptions) -> Result<()> {
    let (start, time) = (Instant::now(), Duration::from_millis(options.warm_up));
    lane.upload()?;
    while start.elapsed() < time {
        lane.enqueue(0)?;
        lane.wait(0)?;
    }
    lane.synchronize()
}

/// Keeps two queries in flight, so that the device need not wait for the host.
fn measure(index: usize, lane: &mut Lane, options: &InferenceOptions, origin: &Origin) -> Result<Vec<Query>> {
    let (start, time) = (Instant::now(), Duration::from_secs_f64(options.duration));
    let mut queries = Vec::new();
    let mut enqueued = 0;
    let mut host_times = [(0.0, 0.0); 2];
    while enqueued < options.iterations.max(1) || start.elapsed() < time {
        let begin = origin.instant.elapsed();
        let took = lane.enqueue(enqueued % 2)?;
        host_times[enqueued % 2] = (milliseconds(begin), milliseconds(took));
        enqueued += 1;
        if enqueued > 1 {
            let done = enqueued % 2;
            queries.push(query(index, lane, done, origin, host_times[done])?);
        }
    }
    let last = (enqueued + 1) % 2;
    queries.push(query(index, lane, last, origin, host_times[last])?);
    Ok(queries)
}

/// Waits for a query and reads its times.
fn query(stream: usize, lane: &mut Lane, at: usize, origin: &Origin, host: (f64, f64)) -> Result<Query> {
    let [start_h2d, h2d, compute, d2h] = lane.wait(at)?.since(&origin.event)?;
    Ok(Query::new(stream, host, start_h2d, [h2d, compute, d2h]))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
