// Streams, events and graphs. A stream is a list of work that runs when somebody waits: whoever forgets to wait reads what was there before.
#include "device.h"
#include <atomic>
#include <set>

using namespace simcuda;

namespace {

Stream defaultStream;
std::set<Stream*> streams;
std::set<Event*> events;
/** The first error, of ever. Tests set it from another thread while work runs. */
std::atomic<Status> lost{OK};

void note(Status status) {
    if (status != OK) lost = status;
}

}  // namespace

Status simcuda::sticky() { return lost; }

Stream* simcuda::streamOf(void* handle) { return handle == nullptr ? &defaultStream : static_cast<Stream*>(handle); }

void simcuda::enqueue(Stream* stream, Work work) {
    if (stream->capture != nullptr) {
        stream->capture->work.push_back(std::move(work));
    } else {
        stream->queue.push_back(std::move(work));
    }
}

Status simcuda::drain(Stream* stream) {
    while (lost == OK && stream->next < stream->queue.size()) {
        Work work = std::move(stream->queue[stream->next++]);  // running it may drain another stream, or this one
        note(work());
    }
    if (stream->next == stream->queue.size() || lost != OK) {
        stream->queue.clear();
        stream->next = 0;
    }
    return lost;
}

Status simcuda::drainAll() {
    drain(&defaultStream);
    for (Stream* stream : streams) drain(stream);
    return lost;
}

extern "C" {

/** For tests: from now on every call says this, as after a device has fallen off the bus. 0 mends it. */
void simcuda_lose(Status status) { lost = status; }

Status cuStreamCreate(Stream** stream, unsigned) {
    *stream = new Stream;
    streams.insert(*stream);
    return OK;
}
Status cuStreamDestroy_v2(Stream* stream) {
    drain(stream);
    if (streams.erase(stream) == 0) return INVALID_HANDLE;
    for (Event* event : events) if (event->stream == stream) event->stream = nullptr;
    delete stream;
    return lost;
}
/** Waiting for a stream that records is refused: nothing of it is going to run. */
Status cuStreamSynchronize(void* stream) { return streamOf(stream)->capture != nullptr ? CAPTURE_UNSUPPORTED : drain(streamOf(stream)); }
Status cuStreamQuery(void* stream) {
    Stream* s = streamOf(stream);
    if (s->capture != nullptr) return CAPTURE_UNSUPPORTED;
    return lost != OK ? lost.load() : s->queue.empty() ? OK : NOT_READY;
}
Status cuStreamWaitEvent(void* stream, Event* event, unsigned) {
    uint64_t recorded = event->recorded;
    enqueue(streamOf(stream), [=] { return event->reached >= recorded || event->stream == nullptr ? OK : drain(event->stream); });
    return lost;
}

Status cuEventCreate(Event** event, unsigned) {
    *event = new Event;
    events.insert(*event);
    return lost;
}
Status cuEventDestroy_v2(Event* event) {
    if (event->stream != nullptr) drain(event->stream);
    if (events.erase(event) == 0) return INVALID_HANDLE;
    delete event;
    return OK;
}
Status cuEventRecord(Event* event, void* stream) {
    uint64_t recorded = ++event->recorded;
    event->stream = streamOf(stream);
    enqueue(event->stream, [=] {
        event->reached = recorded;
        return OK;
    });
    return lost;
}
Status cuEventQuery(Event* event) { return lost != OK ? lost.load() : event->reached >= event->recorded ? OK : NOT_READY; }
/** Runs the event's stream just so far. */
Status cuEventSynchronize(Event* event) {
    Stream* stream = event->stream;
    while (lost == OK && event->reached < event->recorded) {
        if (stream == nullptr || stream->next == stream->queue.size()) return INVALID_HANDLE;
        Work work = std::move(stream->queue[stream->next++]);
        note(work());
    }
    if (stream != nullptr && stream->next == stream->queue.size()) {
        stream->queue.clear();
        stream->next = 0;
    }
    return lost;
}
Status cuEventElapsedTime(float* millis, Event*, Event*) {
    *millis = 0;
    return lost;
}

Status cuCtxSynchronize() { return drainAll(); }

Status cuStreamBeginCapture_v2(Stream* stream, int) {
    if (lost != OK) return lost;
    if (stream == nullptr || stream->capture != nullptr) return INVALID_VALUE;
    stream->capture = new Graph;
    return OK;
}
Status cuStreamEndCapture(Stream* stream, Graph** graph) {
    if (stream == nullptr || stream->capture == nullptr) return INVALID_VALUE;
    *graph = stream->capture;
    stream->capture = nullptr;
    return OK;
}
Status cuGraphInstantiateWithFlags(Graph** executable, const Graph* graph, unsigned long long) {
    if (lost != OK) return lost;
    *executable = new Graph(*graph);
    return OK;
}
Status cuGraphUpload(const Graph*, void*) { return lost; }
/** What was recorded runs again with the parameters of then, on what lies in memory when its turn comes. */
Status cuGraphLaunch(const Graph* executable, void* stream) {
    if (lost != OK) return lost;
    if (streamOf(stream)->capture != nullptr) return NOT_SUPPORTED;
    simcuda_counters.graphLaunches++;
    for (const Work& work : executable->work) enqueue(streamOf(stream), work);
    return lost;
}
Status cuGraphDestroy(Graph* graph) {
    delete graph;
    return OK;
}
Status cuGraphExecDestroy(Graph* executable) {
    delete executable;
    return OK;
}

}
