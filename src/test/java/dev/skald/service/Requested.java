package dev.skald.service;

import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** A request whose parts a test changes one by one. */
record Requested(String id, String model, Prompt prompt, SamplingOptions sampling, Stopping stopping, Output output) {
    static Requested text(String text) {
        return new Requested("r", "", new Prompt.Text(text), SamplingOptions.UNSET, Stopping.DEFAULT, Output.DEFAULT);
    }

    Requested id(String value) {
        return new Requested(value, model, prompt, sampling, stopping, output);
    }

    Requested model(String value) {
        return new Requested(id, value, prompt, sampling, stopping, output);
    }

    Requested prompt(Prompt value) {
        return new Requested(id, model, value, sampling, stopping, output);
    }

    Requested sampling(SamplingOptions value) {
        return new Requested(id, model, prompt, value, stopping, output);
    }

    Requested n(int n) {
        return sampling(new SamplingOptions(
                Optional.empty(), OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.empty(), Map.of(), List.of(), List.of(), OptionalLong.empty(), n));
    }

    Requested stopping(Stopping value) {
        return new Requested(id, model, prompt, sampling, value, output);
    }

    Requested stop(String... stops) {
        return stopping(new Stopping(OptionalInt.empty(), 0, List.of(stops), List.of(), false, false));
    }

    Requested output(Output value) {
        return new Requested(id, model, prompt, sampling, stopping, value);
    }

    InferenceRequest request() {
        return new InferenceRequest(
                id, model, prompt, sampling, stopping, output, 0, Optional.empty(), OptionalLong.empty(), "", false, false);
    }
}
