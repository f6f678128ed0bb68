package dev.skald.grpc;

import dev.skald.api.v1.ChatChoice;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatResponse;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.ContinuationScore;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.GeneratedChoice;
import dev.skald.api.v1.ScoreContinuationsResponse;
import dev.skald.service.InferenceEvent;
import dev.skald.service.ScoreEvent;

/** Answers of calls that answer once, from the service's words to the API's. Pure. */
final class WholeResponses {
    private WholeResponses() {}

    static GenerateResponse generate(Answer answer, OutputShape shape) {
        InferenceEvent.Started started = answer.started.orElseThrow();
        InferenceEvent.Completed completed = answer.completed.orElseThrow();
        GenerateResponse.Builder response = GenerateResponse.newBuilder()
                .setRequestId(started.requestId())
                .setModel(started.model())
                .setFingerprint(started.fingerprint())
                .setSeed(started.seed())
                .setUsage(Answers.usage(completed.usage()))
                .setTimings(Answers.timings(completed.timings()));
        answer.promptLogprobs.forEach(token -> response.addPromptLogprobs(Answers.logprob(token)));
        for (int i = 0; i < answer.choices.size(); i++) {
            Answer.Choice choice = answer.choices.get(i);
            GeneratedChoice.Builder part = GeneratedChoice.newBuilder().setIndex(i);
            if (shape.text()) part.setText(choice.text.toString());
            if (shape.ids()) part.addAllTokenIds(choice.ids);
            choice.logprobs.forEach(token -> part.addLogprobs(Answers.logprob(token)));
            choice.finished.ifPresent(finished -> part.setFinished(Answers.finished(finished)));
            response.addChoices(part);
        }
        return response.build();
    }

    static ChatResponse chat(Answer answer, OutputShape shape) {
        InferenceEvent.Started started = answer.started.orElseThrow();
        InferenceEvent.Completed completed = answer.completed.orElseThrow();
        ChatResponse.Builder response = ChatResponse.newBuilder()
                .setRequestId(started.requestId())
                .setModel(started.model())
                .setFingerprint(started.fingerprint())
                .setSeed(started.seed())
                .setUsage(Answers.usage(completed.usage()))
                .setTimings(Answers.timings(completed.timings()));
        answer.promptLogprobs.forEach(token -> response.addPromptLogprobs(Answers.logprob(token)));
        for (int i = 0; i < answer.choices.size(); i++) {
            Answer.Choice choice = answer.choices.get(i);
            ChatMessage.Builder message = ChatMessage.newBuilder().setRole("assistant");
            if (shape.text()) message.addContent(ContentPart.newBuilder().setText(choice.text.toString()));
            ChatChoice.Builder part = ChatChoice.newBuilder().setIndex(i).setMessage(message);
            if (shape.ids()) part.addAllTokenIds(choice.ids);
            choice.logprobs.forEach(token -> part.addLogprobs(Answers.logprob(token)));
            choice.finished.ifPresent(finished -> part.setFinished(Answers.finished(finished)));
            response.addChoices(part);
        }
        return response.build();
    }

    static ScoreContinuationsResponse scores(String requestId, ScoreEvent.Scored scored) {
        ScoreContinuationsResponse.Builder response = ScoreContinuationsResponse.newBuilder()
                .setRequestId(requestId)
                .setModel(scored.model())
                .setFingerprint(scored.fingerprint())
                .setUsage(Answers.usage(scored.usage()));
        for (ScoreEvent.Score score : scored.scores()) {
            ContinuationScore.Builder part = ContinuationScore.newBuilder().setSumLogprob(score.sumLogprob()).setProbability(score.probability());
            score.tokens().forEach(token -> part.addTokens(Answers.logprob(token)));
            response.addScores(part);
        }
        return response.build();
    }
}
