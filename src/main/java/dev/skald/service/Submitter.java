package dev.skald.service;

import dev.skald.schedule.EngineRequest;
import dev.skald.engine.RequestHandle;
import dev.skald.engine.TokenSink;

/** Takes requests in token ids: the engine's submitting call. Thread-safe; refusals come through the sink. */
@FunctionalInterface
public interface Submitter {
    RequestHandle submit(EngineRequest request, TokenSink sink);
}
