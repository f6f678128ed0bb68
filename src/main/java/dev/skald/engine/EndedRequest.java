package dev.skald.engine;

import dev.skald.schedule.Failure;

/** The handle of a request that was refused: nothing has any effect any more. */
final class EndedRequest implements RequestHandle {
    @Override
    public void cancel(Failure failure) {}

    @Override
    public void finish(int choice, int atToken) {}

    @Override
    public void pause() {}

    @Override
    public void resume() {}
}
