//! The steady state of a serving loop allocates nothing: neither the thread that enqueues nor the emulated stream's worker.
//! A process of its own, because it counts every allocation in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cuda_utils::host::{HostStreamRef, Operation};
use cuda_utils::{Device, DeviceBuffer, PinnedBuffer, Result, SharedUse, Stream};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Default)]
struct Model(AtomicUsize);

impl Operation for Model {
    fn run(&self) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_serving_loop_allocates_nothing_once_it_is_warm() {
    let device = Device::host();
    let stream = Stream::new(&device).unwrap();
    let mut input = PinnedBuffer::<f32>::alloc(&device, 256).unwrap();
    let mut output = PinnedBuffer::<f32>::alloc(&device, 256).unwrap();
    let mut bound = DeviceBuffer::<f32>::zeroed(&stream, 256).unwrap();
    let mut uses = SharedUse::new(&device).unwrap();
    uses.attach(bound.memory()).unwrap();
    let model = Arc::new(Model::default());
    let operation: Arc<dyn Operation> = model.clone();
    let mut infer = |value: f32| {
        input.as_mut_slice().unwrap().fill(value);
        stream.copy_to_device(&input, &mut bound).unwrap();
        let run = uses.begin(&stream).unwrap();
        HostStreamRef::of(&stream).unwrap().enqueue_shared(Arc::clone(&operation)).unwrap();
        run.finish().unwrap();
        stream.copy_to_host(&bound, &mut output).unwrap();
        stream.completion().unwrap().wait().unwrap();
        assert_eq!(output.as_slice().unwrap()[255], value);
    };
    (0..100_u8).for_each(|round| infer(f32::from(round)));
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        (0..100_u8).for_each(|round| infer(f32::from(round)));
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    assert_eq!(model.0.load(Ordering::Relaxed), 10_100);
}
