package dev.skald.boot;

import dev.skald.engine.Engine;
import dev.skald.engine.TokenEvent;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The first token: what proves that a model runs before anybody is told so. */
final class WarmUp {
    private static final int PATIENCE_SECONDS = 600;

    private WarmUp() {}

    /** @throws StartException if no token came */
    static void generateOneToken(Engine engine) {
        CompletableFuture<TokenEvent> last = new CompletableFuture<>();
        EngineRequest request = new EngineRequest(
                "warm-up", new int[] {0}, SamplingParams.GREEDY, 0, 1, OptionalInt.of(1), 0, List.of(), List.of(), -1, -1, 1, 0,
                OptionalLong.empty(), OptionalLong.empty(), "", true, false);
        engine.submit(request, event -> {
            if (event instanceof TokenEvent.Completed || event instanceof TokenEvent.Failed) last.complete(event);
        });
        try {
            if (last.get(PATIENCE_SECONDS, TimeUnit.SECONDS) instanceof TokenEvent.Failed failed) {
                throw new StartException("the model does not run: " + failed.failure().message());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the model was starting", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new StartException("the model gave no token within " + PATIENCE_SECONDS + " s", e);
        }
    }
}
