package dev.skald.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.service.InferenceException;

/** Errors in OpenAI's words. Pure. */
public final class Errors {
    private Errors() {}

    /** The status that OpenAI's own service answers in such a case. */
    public static int status(InferenceException.Kind kind) {
        return switch (kind) {
            case INVALID_ARGUMENT -> 400;
            case NOT_FOUND -> 404;
            case ABORTED -> 409;
            case RESOURCE_EXHAUSTED -> 429;
            case CANCELLED -> 499;
            case INTERNAL -> 500;
            case UNIMPLEMENTED -> 501;
            case UNAVAILABLE -> 503;
            case DEADLINE_EXCEEDED -> 504;
        };
    }

    /** {@code {"error": {"message", "type", "param", "code"}}}. */
    public static ObjectNode body(InferenceException e) {
        ObjectNode body = Json.newObject();
        ObjectNode error = body.putObject("error");
        error.put("message", e.getMessage());
        error.put("type", type(e.kind()));
        if (e.field().isEmpty()) error.putNull("param");
        else error.put("param", e.field());
        error.put("code", e.reason().toLowerCase(java.util.Locale.ROOT));
        return body;
    }

    private static String type(InferenceException.Kind kind) {
        return switch (kind) {
            case INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED -> "invalid_request_error";
            case RESOURCE_EXHAUSTED -> "rate_limit_error";
            case ABORTED, CANCELLED, INTERNAL, UNAVAILABLE, DEADLINE_EXCEEDED -> "server_error";
        };
    }
}
