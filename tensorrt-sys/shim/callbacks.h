/* The functions that a callback object calls, one struct an interface, and the update of the steady-state entry. */
#ifndef TRTSYS_CALLBACKS_H
#define TRTSYS_CALLBACKS_H

#include "generated/trt_types.h"

/** What `ILogger` calls. Any thread may call it, several at once. */
typedef struct ILoggerFns {
    /** `ILogger::log`; `severity` is an `ILogger::Severity`. */
    void (*log)(void* user, int32_t severity, const char* message);
} ILoggerFns;

/** What `IErrorRecorder` calls. Any thread may call it, several at once. */
typedef struct IErrorRecorderFns {
    /** Number of errors kept. */
    int32_t (*getNbErrors)(void* user);
    /** The `ErrorCode` of an error. */
    int32_t (*getErrorCode)(void* user, int32_t index);
    /** The text of an error; it must stay valid until `clear`. */
    const char* (*getErrorDesc)(void* user, int32_t index);
    /** Whether errors were dropped. */
    bool (*hasOverflowed)(void* user);
    /** Forgets the errors. */
    void (*clear)(void* user);
    /** Keeps an error; true when it is fatal. */
    bool (*reportError)(void* user, int32_t code, const char* description);
    /** Counts a user of the recorder; the new count is returned. */
    int32_t (*incRefCount)(void* user);
    /** Counts a user less. */
    int32_t (*decRefCount)(void* user);
} IErrorRecorderFns;

/** What `IProgressMonitor` calls, from the threads of the build. */
typedef struct IProgressMonitorFns {
    /** A phase starts; `parent` is null for a top-level one. */
    void (*phaseStart)(void* user, const char* phase, const char* parent, int32_t steps);
    /** A step is done; false cancels the build. */
    bool (*stepComplete)(void* user, const char* phase, int32_t step);
    /** A phase ends. */
    void (*phaseFinish)(void* user, const char* phase);
} IProgressMonitorFns;

/** What `IStreamReaderV2` calls while an engine is deserialized. */
typedef struct IStreamReaderV2Fns {
    /** Reads up to `size` bytes to host or device memory; the number read, 0 at the end, negative on error. */
    int64_t (*read)(void* user, void* destination, int64_t size, void* stream);
    /** Moves to an offset from a `SeekPosition`. */
    bool (*seek)(void* user, int64_t offset, int32_t where);
} IStreamReaderV2Fns;

/** What `IStreamWriter` calls while a plan is built. */
typedef struct IStreamWriterFns {
    /** Writes `size` bytes; fewer written are an error. */
    int64_t (*write)(void* user, const void* data, int64_t size);
} IStreamWriterFns;

/** What `IOutputAllocator` calls on the thread that enqueues. */
typedef struct IOutputAllocatorFns {
    /** Device memory of at least `size` bytes for an output, or null. */
    void* (*reallocateOutputAsync)(
        void* user, const char* tensor, void* current, uint64_t size, uint64_t alignment, void* stream);
    /** The output's shape is known. */
    void (*notifyShape)(void* user, const char* tensor, const Dims* shape);
} IOutputAllocatorFns;

/** What `IProfiler` calls, once a layer. */
typedef struct IProfilerFns {
    /** A layer's time in milliseconds. */
    void (*reportLayerTime)(void* user, const char* layer, float milliseconds);
} IProfilerFns;

/** What `IDebugListener` calls on the thread that enqueues. */
typedef struct IDebugListenerFns {
    /** A debug tensor's values, valid during the call; false fails the enqueue. */
    bool (*processDebugTensor)(void* user, const void* address, int32_t location, int32_t type, const Dims* shape,
        const char* name, void* stream);
} IDebugListenerFns;

/** What `IGpuAsyncAllocator` calls. Any thread may call it, several at once. */
typedef struct IGpuAsyncAllocatorFns {
    /** Device memory, usable on the stream from now on, or null; alignment 0 is any. */
    void* (*allocateAsync)(void* user, uint64_t size, uint64_t alignment, uint32_t flags, void* stream);
    /** Frees memory once the stream's work until now is done. */
    bool (*deallocateAsync)(void* user, void* memory, void* stream);
    /** Grows an allocation; may be a null function, which refuses. */
    void* (*reallocate)(void* user, void* memory, uint64_t alignment, uint64_t size);
} IGpuAsyncAllocatorFns;

/** What `IRefitterObserver` calls, once a weight that the parser can refit. */
typedef struct IRefitterObserverFns {
    /** One weight; the record lives during the call. */
    void (*onRefittableWeight)(void* user, const RefitRecord* record);
} IRefitterObserverFns;

/** What the int8 calibrators of TensorRT 10 call on the thread that builds. */
typedef struct IInt8CalibratorFns {
    /** Number of samples in a batch. */
    int32_t (*getBatchSize)(void* user);
    /** Fills the device addresses of the next batch, in the order of the names; false when there is none. */
    bool (*getBatch)(void* user, void** bindings, const char** names, int32_t count);
    /** A calibration cache and its length, or null. */
    const void* (*readCalibrationCache)(void* user, size_t* length);
    /** Takes the calibration cache. */
    void (*writeCalibrationCache)(void* user, const void* data, size_t length);
} IInt8CalibratorFns;

/** What `IInt8EntropyCalibrator` calls. */
typedef IInt8CalibratorFns IInt8EntropyCalibratorFns;
/** What `IInt8EntropyCalibrator2` calls. */
typedef IInt8CalibratorFns IInt8EntropyCalibrator2Fns;
/** What `IInt8MinMaxCalibrator` calls. */
typedef IInt8CalibratorFns IInt8MinMaxCalibratorFns;

/** What `IInt8LegacyCalibrator` calls. */
typedef struct IInt8LegacyCalibratorFns {
    /** What every calibrator calls. */
    IInt8CalibratorFns calibrator;
    /** The quantile, between 0 and 1. */
    double (*getQuantile)(void* user);
    /** The cutoff as a fraction of the range, between 0 and 1. */
    double (*getRegressionCutoff)(void* user);
    /** A histogram cache and its length, or null. */
    const void* (*readHistogramCache)(void* user, size_t* length);
    /** Takes the histogram cache. */
    void (*writeHistogramCache)(void* user, const void* data, size_t length);
} IInt8LegacyCalibratorFns;

/** What changed of one tensor since the last inference. */
typedef struct TensorUpdate {
    /** The tensor's name. */
    const char* name;
    /** Its device address; null when unchanged. */
    void* address;
    /** Its shape, of inputs only; null when unchanged. */
    const Dims* shape;
    /** Whether it is an input. */
    bool isInput;
} TensorUpdate;

#endif
