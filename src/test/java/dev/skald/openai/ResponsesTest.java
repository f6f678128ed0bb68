package dev.skald.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.TopToken;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.ScoreEvent;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class ResponsesTest {
    private static Answer answer(int n, List<ScoredToken> scores) {
        Answer answer = new Answer(n);
        answer.take(new InferenceEvent.Started("id", "mini", "print", 1, 5, 2));
        for (int i = 0; i < n; i++) {
            answer.take(new InferenceEvent.Delta(i, "中", List.of(7), scores));
            answer.take(new InferenceEvent.Delta(i, "文", List.of(8), List.of()));
            answer.take(new InferenceEvent.Finished(i, i == 0 ? FinishReason.EOS : FinishReason.LENGTH, OptionalInt.empty(), Optional.empty()));
        }
        assertTrue(answer.take(new InferenceEvent.Completed(
                new Usage(5, 2 * n, 2), new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0))));
        return answer;
    }

    private static JsonNode written(String url, String body, List<Answer> answers) throws Exception {
        Task.Generation task = (Task.Generation) Bodies.read(url, Json.object(body.replace('\'', '"').getBytes(StandardCharsets.UTF_8)));
        StringWriter text = new StringWriter();
        try (JsonGenerator json = Json.FACTORY.createGenerator(text)) {
            Responses.write(json, task, "abc", 17, answers);
        }
        return Json.MAPPER.readTree(text.toString());
    }

    private static JsonNode json(String text) throws Exception {
        return Json.MAPPER.readTree(text.replace('\'', '"'));
    }

    @Test
    void aChatsAnswer() throws Exception {
        JsonNode body = written(Bodies.CHAT, "{'messages':[{'role':'user','content':'x'}],'n':2}", List.of(answer(2, List.of())));
        assertEquals(json("{'id':'chatcmpl-abc','object':'chat.completion','created':17,'model':'mini','choices':["
                + "{'index':0,'message':{'role':'assistant','content':'中文','refusal':null},'logprobs':null,'finish_reason':'stop'},"
                + "{'index':1,'message':{'role':'assistant','content':'中文','refusal':null},'logprobs':null,'finish_reason':'length'}],"
                + "'usage':{'prompt_tokens':5,'completion_tokens':4,'total_tokens':9,'prompt_tokens_details':{'cached_tokens':2}},"
                + "'system_fingerprint':'print'}"), body);
    }

    @Test
    void choicesOfSeveralPromptsAreNumberedOn() throws Exception {
        JsonNode body = written(Bodies.COMPLETIONS, "{'prompt':['a','b'],'n':2,'return_token_ids':true}", List.of(answer(2, List.of()), answer(2, List.of())));
        assertEquals(List.of(0, 1, 2, 3), body.get("choices").findValues("index").stream().map(JsonNode::asInt).toList());
        assertEquals(json("{'index':3,'text':'中文','logprobs':null,'finish_reason':'length','token_ids':[7,8]}"), body.get("choices").get(3));
        assertEquals(18, body.at("/usage/total_tokens").asInt());
    }

    @Test
    void logprobsInBothOfTheirShapes() throws Exception {
        byte[] half = {(byte) 0xe4, (byte) 0xb8};
        List<ScoredToken> scores = List.of(new ScoredToken(
                7, -0.5f, 0, half, List.of(new TopToken(7, -0.5f, half), new TopToken(9, Float.NEGATIVE_INFINITY, "a".getBytes(StandardCharsets.UTF_8)))));
        JsonNode chat = written(
                Bodies.CHAT, "{'messages':[{'role':'user','content':'x'}],'logprobs':true,'top_logprobs':2}", List.of(answer(1, scores)));
        assertEquals(json("{'content':[{'token':'bytes:\\\\xe4\\\\xb8','logprob':-0.5,'bytes':[228,184],'top_logprobs':["
                + "{'token':'bytes:\\\\xe4\\\\xb8','logprob':-0.5,'bytes':[228,184]},{'token':'a','logprob':-9999.0,'bytes':[97]}]}]}"),
                chat.at("/choices/0/logprobs"));
        JsonNode completion = written(Bodies.COMPLETIONS, "{'prompt':'x','logprobs':2}", List.of(answer(1, scores)));
        assertEquals(json("{'tokens':['bytes:\\\\xe4\\\\xb8'],'token_logprobs':[-0.5],'top_logprobs':[{'bytes:\\\\xe4\\\\xb8':-0.5,'a':-9999.0}],"
                + "'text_offset':[0]}"), completion.at("/choices/0/logprobs"));
    }

    @Test
    void scores() throws Exception {
        StringWriter text = new StringWriter();
        ScoredToken token = new ScoredToken(7, -0.25f, 0, "a".getBytes(StandardCharsets.UTF_8), List.of());
        try (JsonGenerator json = Json.FACTORY.createGenerator(text)) {
            Responses.write(json, "abc", 17, new ScoreEvent.Scored(
                    "mini", "print", List.of(new ScoreEvent.Score(-0.25, List.of(token), 1), new ScoreEvent.Score(Double.NEGATIVE_INFINITY, List.of(), 0)),
                    new Usage(4, 0, 0)));
        }
        assertEquals(json("{'id':'score-abc','object':'score_continuations','created':17,'model':'mini','scores':["
                + "{'index':0,'sum_logprob':-0.25,'probability':1.0,'tokens':[{'id':7,'token':'a','logprob':-0.25,'bytes':[97]}]},"
                + "{'index':1,'sum_logprob':-9999.0,'probability':0.0,'tokens':[]}],"
                + "'usage':{'prompt_tokens':4,'completion_tokens':0,'total_tokens':4,'prompt_tokens_details':{'cached_tokens':0}},"
                + "'system_fingerprint':'print'}"), Json.MAPPER.readTree(text.toString()));
    }
}
