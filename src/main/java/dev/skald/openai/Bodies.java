package dev.skald.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import dev.skald.service.ScoreRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * Bodies of {@code /v1/chat/completions}, {@code /v1/completions} and our own {@code /v1/score_continuations}. Beyond OpenAI's fields those
 * that other servers have taught people: top_k, min_p, repetition_penalty, min_tokens, stop_token_ids, ignore_eos, and so on. What is not
 * known, or not built, is refused by name; nothing is passed over that would change an answer. Pure.
 */
public final class Bodies {
    public static final String CHAT = "/v1/chat/completions";
    public static final String COMPLETIONS = "/v1/completions";
    public static final String SCORE = "/v1/score_continuations";

    private Bodies() {}

    /** @throws InferenceException naming the field, or UNKNOWN_URL */
    public static Task read(String url, ObjectNode body) {
        return switch (url) {
            case CHAT -> chat(body);
            case COMPLETIONS -> completion(body);
            case SCORE -> score(body);
            default -> throw InferenceException.invalid(
                    "UNKNOWN_URL", "url", "url \"" + url + "\" is none of " + CHAT + ", " + COMPLETIONS + ", " + SCORE);
        };
    }

    static Task chat(ObjectNode body) {
        Fields fields = new Fields(body, "");
        List<Prompt.Message> messages = Messages.read(
                fields.take("messages").orElseThrow(() -> InferenceException.invalid("EMPTY_PROMPT", "messages", "messages is missing")), "messages");
        boolean continued = fields.flag("continue_final_message", false);
        if (continued && !messages.getLast().role().equals("assistant")) {
            throw Fields.wrong("continue_final_message", "needs a last message of role assistant");
        }
        fields.take("add_generation_prompt").ifPresent(node -> {
            if (!node.isBoolean() || node.booleanValue() == continued) throw Fields.wrong("add_generation_prompt", "must be the opposite of continue_final_message");
        });
        Map<String, Object> args = fields.take("chat_template_kwargs").map(Bodies::templateArgs).orElse(Map.of());
        for (String name : List.of("tools", "functions", "function_call", "modalities", "audio", "prediction", "reasoning_effort", "web_search_options")) {
            fields.refuse(name);
        }
        fields.refuse("tool_choice", "none", "auto");
        fields.refuse("verbosity", "medium");
        fields.ignore("parallel_tool_calls");
        OptionalInt top = fields.integer("top_logprobs");
        boolean logprobs = fields.flag("logprobs", false);
        if (top.isPresent() && top.getAsInt() < 0) throw Fields.wrong("top_logprobs", top.getAsInt() + " is negative");
        if (top.isPresent() && !logprobs) throw Fields.wrong("top_logprobs", "needs logprobs: true");
        if (fields.has("max_tokens") && fields.has("max_completion_tokens")) throw Fields.wrong("max_tokens", "stands beside max_completion_tokens");
        OptionalInt most = fields.integer("max_completion_tokens");
        OptionalInt older = fields.integer("max_tokens");
        return generation(Task.Shape.CHAT, fields, List.of(new Prompt.Chat(messages, List.of(), args, continued)),
                most.isPresent() ? most : older, logprobs ? top.orElse(0) : -1);
    }

    private static Map<String, Object> templateArgs(JsonNode node) {
        if (!node.isObject()) throw Fields.wrong("chat_template_kwargs", "is not an object");
        node.properties().forEach(entry -> {
            if (entry.getValue().isNull()) throw Fields.wrong("chat_template_kwargs." + entry.getKey(), "is null; leave it out instead");
        });
        return Messages.values(node);
    }

    static Task completion(ObjectNode body) {
        Fields fields = new Fields(body, "");
        List<Prompt> prompts = prompts(
                fields.take("prompt").orElseThrow(() -> InferenceException.invalid("EMPTY_PROMPT", "prompt", "prompt is missing")));
        fields.refuse("echo");
        fields.refuse("suffix", "");
        OptionalInt best = fields.integer("best_of");
        if (best.isPresent() && best.getAsInt() != Math.max(1, body.path("n").asInt(1))) {
            throw InferenceException.invalid("NOT_BUILT", "best_of", "best_of other than n: this release can't do that yet");
        }
        OptionalInt logprobs = fields.integer("logprobs");
        if (logprobs.isPresent() && (logprobs.getAsInt() < 0 || logprobs.getAsInt() > Output.MAX_TOP_LOGPROBS)) {
            throw Fields.wrong("logprobs", logprobs.getAsInt() + " is outside [0, " + Output.MAX_TOP_LOGPROBS + "]");
        }
        return generation(Task.Shape.COMPLETION, fields, prompts, fields.integer("max_tokens"), logprobs.orElse(-1));
    }

    static Task score(ObjectNode body) {
        Fields fields = new Fields(body, "");
        Prompt prompt = prompt(fields.take("prompt").orElseThrow(() -> InferenceException.invalid("EMPTY_PROMPT", "prompt", "prompt is missing")), "prompt");
        JsonNode list = fields.take("continuations").orElseThrow(() -> Fields.wrong("continuations", "is missing"));
        if (!list.isArray()) throw Fields.wrong("continuations", "is not a list");
        if (list.size() > ScoreRequest.MAX_CONTINUATIONS) {
            throw Fields.wrong("continuations", "has " + list.size() + " entries, more than " + ScoreRequest.MAX_CONTINUATIONS);
        }
        List<Prompt> continuations = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) continuations.add(prompt(list.get(i), "continuations[" + i + "]"));
        Task.Scoring scoring = new Task.Scoring(
                fields.string("model").orElse(""), prompt, continuations, fields.integer("priority").orElse(0), fields.string("cache_salt").orElse(""));
        fields.ignore("user", "metadata");
        fields.end();
        checked(() -> scoring.request("checked"));
        return scoring;
    }

    private static Task.Generation generation(Task.Shape shape, Fields fields, List<Prompt> prompts, OptionalInt maxTokens, int topLogprobs) {
        if (fields.flag("stream", false)) throw Fields.wrong("stream", "is true; the answer comes whole");
        fields.refuse("stream_options");
        responseFormat(fields);
        fields.ignore("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");
        SamplingOptions sampling = sampling(fields);
        Stopping stopping = checked(() -> new Stopping(
                maxTokens,
                fields.integer("min_tokens").orElse(0),
                fields.take("stop").map(Bodies::stops).orElse(List.of()),
                fields.integers("stop_token_ids"),
                fields.flag("include_stop_str_in_output", false),
                fields.flag("ignore_eos", false)));
        Output output = checked(() -> new Output(topLogprobs, -1, 1, fields.flag("skip_special_tokens", true)));
        Task.Generation task = new Task.Generation(
                shape, fields.string("model").orElse(""), prompts, sampling, stopping, output, fields.integer("priority").orElse(0),
                fields.string("cache_salt").orElse(""), fields.flag("return_token_ids", false));
        fields.end();
        // Ranges that hold for every model, so that a mistake is told before one is asked.
        checked(() -> sampling.resolve(SamplingParams.GREEDY));
        checked(() -> task.request(0, "checked", true));
        return task;
    }

    private static void responseFormat(Fields fields) {
        Optional<JsonNode> format = fields.take("response_format");
        if (format.isEmpty() || format.get().path("type").asText().equals("text")) return;
        throw InferenceException.invalid("NOT_BUILT", "response_format", "response_format other than text: this release can't do that yet");
    }

    private static SamplingOptions sampling(Fields fields) {
        return checked(() -> new SamplingOptions(
                fields.number("temperature"),
                fields.integer("top_k"),
                fields.number("top_p"),
                fields.number("min_p"),
                fields.number("repetition_penalty"),
                fields.number("presence_penalty"),
                fields.number("frequency_penalty"),
                fields.take("logit_bias").map(Bodies::biases).orElse(Map.of()),
                fields.integers("allowed_token_ids"),
                fields.take("banned_sequences").map(Bodies::sequences).orElse(List.of()),
                fields.whole("seed"),
                fields.integer("n").orElse(1)));
    }

    private static Map<Integer, Float> biases(JsonNode node) {
        if (!node.isObject()) throw Fields.wrong("logit_bias", "is not an object");
        Map<Integer, Float> biases = new HashMap<>();
        node.properties().forEach(entry -> {
            String path = "logit_bias." + entry.getKey();
            try {
                biases.put(Integer.valueOf(entry.getKey()), Fields.number(entry.getValue(), path));
            } catch (NumberFormatException e) {
                throw Fields.wrong(path, "does not begin with a token id");
            }
        });
        return biases;
    }

    private static List<List<Integer>> sequences(JsonNode node) {
        if (!node.isArray()) throw Fields.wrong("banned_sequences", "is not a list of lists of token ids");
        List<List<Integer>> sequences = new ArrayList<>();
        for (int i = 0; i < node.size(); i++) sequences.add(Fields.integers(node.get(i), "banned_sequences[" + i + "]"));
        return sequences;
    }

    private static List<String> stops(JsonNode node) {
        if (node.isTextual()) return List.of(node.textValue());
        if (!node.isArray()) throw Fields.wrong("stop", "is neither a string nor a list of strings");
        List<String> stops = new ArrayList<>();
        for (int i = 0; i < node.size(); i++) {
            if (!node.get(i).isTextual()) throw Fields.wrong("stop[" + i + "]", "is not a string");
            stops.add(node.get(i).textValue());
        }
        return stops;
    }

    /** A string, ids, a list of strings, or a list of lists of ids. */
    private static List<Prompt> prompts(JsonNode node) {
        boolean several = node.isArray() && !node.isEmpty() && !node.get(0).isNumber();
        if (!several) return List.of(prompt(node, "prompt"));
        if (node.size() > Task.Generation.MAX_PROMPTS) {
            throw Fields.wrong("prompt", "has " + node.size() + " entries, more than " + Task.Generation.MAX_PROMPTS);
        }
        List<Prompt> prompts = new ArrayList<>();
        for (int i = 0; i < node.size(); i++) prompts.add(prompt(node.get(i), "prompt[" + i + "]"));
        return prompts;
    }

    private static Prompt prompt(JsonNode node, String path) {
        boolean text = node.isTextual();
        if (!text && !node.isArray()) throw Fields.wrong(path, "is neither a string nor a list of token ids");
        if (text ? node.textValue().isEmpty() : node.isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", path, path + " is empty");
        return text ? new Prompt.Text(node.textValue()) : new Prompt.TokenIds(Fields.integers(node, path));
    }

    /** The records complain in a sentence that begins with the parameter, as our own API calls it; here it gets OpenAI's name. */
    private static <T> T checked(Supplier<T> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            String message = renamed(e.getMessage());
            throw InferenceException.invalid("INVALID_PARAMETER", message.split(" ", 2)[0], message);
        }
    }

    private static String renamed(String message) {
        return message
                .replaceFirst("^stop_strings", "stop")
                .replaceFirst("^logprobs\\.top_n", "top_logprobs")
                .replaceFirst("^allowed_ids", "allowed_token_ids")
                .replaceFirst("^options\\.cache\\.salt", "cache_salt")
                .replaceFirst("^options\\.", "");
    }
}
