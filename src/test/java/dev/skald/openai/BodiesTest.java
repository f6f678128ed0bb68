package dev.skald.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BodiesTest {
    private static ObjectNode json(String text) {
        return Json.object(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static Task.Generation chat(String body) {
        return (Task.Generation) Bodies.read(Bodies.CHAT, json(body));
    }

    private static Task.Generation completion(String body) {
        return (Task.Generation) Bodies.read(Bodies.COMPLETIONS, json(body));
    }

    @Test
    void everyParameterOfAChatArrivesWhereItBelongs() {
        Task.Generation task = chat("{'model':'m','messages':[{'role':'system','content':'s'},{'role':'user','content':[{'type':'text','text':'a'},"
                + "{'type':'text','text':'b'}],'name':'u'}],'max_completion_tokens':7,'min_tokens':2,'temperature':0.5,'top_p':0.9,'top_k':3,'min_p':0.1,"
                + "'repetition_penalty':1.5,'presence_penalty':1,'frequency_penalty':-1,'logit_bias':{'5':-100},'allowed_token_ids':[1,2],"
                + "'banned_sequences':[[3,4]],'seed':-9,'n':2,'stop':['x','y'],'stop_token_ids':[8],'ignore_eos':true,'include_stop_str_in_output':true,"
                + "'logprobs':true,'top_logprobs':4,'skip_special_tokens':false,'cache_salt':'z','priority':-5,'return_token_ids':true,"
                + "'chat_template_kwargs':{'enable_thinking':false},'user':'ignored','metadata':{'a':'b'},'stream':false,'response_format':{'type':'text'}}");
        assertEquals(Task.Shape.CHAT, task.shape());
        assertEquals("m", task.model());
        assertEquals(new Prompt.Chat(
                List.of(Prompt.Message.of("system", "s"),
                        new Prompt.Message("user", "ab", Optional.of("u"), Optional.empty(), List.of(), Optional.empty())),
                List.of(), Map.of("enable_thinking", false), false), task.prompts().getFirst());
        var s = task.sampling();
        assertEquals(List.of(0.5f, 0.9f, 0.1f, 1.5f, 1f, -1f), List.of(
                s.temperature().get(), s.topP().get(), s.minP().get(), s.repetitionPenalty().get(), s.presencePenalty().get(), s.frequencyPenalty().get()));
        assertEquals(OptionalInt.of(3), s.topK());
        assertEquals(Map.of(5, -100f), s.logitBias());
        assertEquals(List.of(1, 2), s.allowedIds());
        assertEquals(List.of(List.of(3, 4)), s.bannedSequences());
        assertEquals(OptionalLong.of(-9), s.seed());
        assertEquals(2, task.sequences());
        assertEquals(new InferenceRequest.Stopping(OptionalInt.of(7), 2, List.of("x", "y"), List.of(8), true, true), task.stopping());
        assertEquals(new InferenceRequest.Output(4, -1, 1, false), task.output());
        assertEquals("z", task.cacheSalt());
        assertEquals(-5, task.priority());
        assertTrue(task.tokenIds());
    }

    @Test
    void whatIsLeftOpenFollowsTheModel() {
        Task.Generation task = chat("{'messages':[{'role':'user','content':'hi'}],'temperature':null,'stop':null}");
        assertEquals(dev.skald.service.SamplingOptions.UNSET, task.sampling());
        assertEquals(InferenceRequest.Stopping.DEFAULT, task.stopping());
        assertEquals(InferenceRequest.Output.DEFAULT, task.output());
    }

    @Test
    void aPromptIsATextOrIdsOrSeveralOfEither() {
        assertEquals(List.of(new Prompt.Text("a")), completion("{'prompt':'a'}").prompts());
        assertEquals(List.of(new Prompt.TokenIds(List.of(1, 2))), completion("{'prompt':[1,2]}").prompts());
        assertEquals(List.of(new Prompt.Text("a"), new Prompt.Text("b")), completion("{'prompt':['a','b']}").prompts());
        Task.Generation two = completion("{'prompt':[[1],[2,3]],'n':3}");
        assertEquals(List.of(new Prompt.TokenIds(List.of(1)), new Prompt.TokenIds(List.of(2, 3))), two.prompts());
        assertEquals(6, two.sequences());
    }

    @Test
    void toolCallsOfEarlierTurnsBecomeWhatTemplatesExpect() {
        Prompt.Chat chat = (Prompt.Chat) chat("{'messages':[{'role':'user','content':'q'},{'role':'assistant','content':null,'tool_calls':[{'id':'c1','type':'function',"
                + "'function':{'name':'f','arguments':'{\\'x\\':1}'}}]},{'role':'tool','tool_call_id':'c1','content':'r'}]}".replace("\\'", "\\\"")).prompts().getFirst();
        assertEquals(List.of(Map.of("id", "c1", "type", "function", "function", Map.of("name", "f", "arguments", Map.of("x", 1)))),
                chat.messages().get(1).toolCalls());
        assertEquals(Optional.of("c1"), chat.messages().get(2).toolCallId());
    }

    @Test
    void aScoringBodyNamesItsContinuations() {
        assertEquals(
                new Task.Scoring("m", new Prompt.Text("p"), List.of(new Prompt.Text("a"), new Prompt.Text("b")), 0, ""),
                Bodies.read(Bodies.SCORE, json("{'model':'m','prompt':'p','continuations':['a','b']}")));
    }

    @Test
    void aDerivedSeedYieldsToTheBodysOwn() {
        assertEquals(OptionalLong.of(5), completion("{'prompt':'a'}").withSeed(5).sampling().seed());
        assertEquals(OptionalLong.of(1), completion("{'prompt':'a','seed':1}").withSeed(5).sampling().seed());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {'messages':[]}                                                        | messages
            {}                                                                     | messages
            {'messages':'x'}                                                       | messages
            {'messages':[{'content':'x'}]}                                         | messages[0].role
            {'messages':[{'role':'user'}]}                                         | messages[0].content
            {'messages':[{'role':'user','content':[{'type':'image_url'}]}]}        | messages[0].content[0].type
            {'messages':[{'role':'user','content':'x','colour':1}]}                | messages[0].colour
            {'messages':[{'role':'user','content':'x'}],'tools':[{'a':1}]}         | tools
            {'messages':[{'role':'user','content':'x'}],'response_format':{'type':'json_object'}} | response_format
            {'messages':[{'role':'user','content':'x'}],'stream':true}             | stream
            {'messages':[{'role':'user','content':'x'}],'temperature':-1}          | temperature
            {'messages':[{'role':'user','content':'x'}],'temperature':'hot'}       | temperature
            {'messages':[{'role':'user','content':'x'}],'n':0}                     | n
            {'messages':[{'role':'user','content':'x'}],'n':1.5}                   | n
            {'messages':[{'role':'user','content':'x'}],'top_logprobs':2}          | top_logprobs
            {'messages':[{'role':'user','content':'x'}],'logprobs':true,'top_logprobs':21} | top_logprobs
            {'messages':[{'role':'user','content':'x'}],'max_tokens':-1}           | max_tokens
            {'messages':[{'role':'user','content':'x'}],'max_tokens':1,'max_completion_tokens':1} | max_tokens
            {'messages':[{'role':'user','content':'x'}],'stop':['']}               | stop[0]
            {'messages':[{'role':'user','content':'x'}],'logit_bias':{'x':1}}      | logit_bias.x
            {'messages':[{'role':'user','content':'x'}],'seed':1e30}               | seed
            {'messages':[{'role':'user','content':'x'}],'priority':101}            | priority
            {'messages':[{'role':'user','content':'x'}],'temprature':1}            | temprature
            {'messages':[{'role':'user','content':'x'}],'continue_final_message':true} | continue_final_message
            """)
    void whatIsWrongIsRefusedByItsName(String body, String field) {
        InferenceException e = assertThrows(InferenceException.class, () -> chat(body));
        assertEquals(InferenceException.Kind.INVALID_ARGUMENT, e.kind());
        assertEquals(field, e.field(), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {'prompt':''}                     | prompt
            {'prompt':[]}                     | prompt
            {'prompt':7}                      | prompt
            {'prompt':['a',[1]],'n':1}        |
            {'prompt':['a','']}               | prompt[1]
            {'prompt':[1,'a']}                | prompt[1]
            {'prompt':'a','echo':true}        | echo
            {'prompt':'a','suffix':'b'}       | suffix
            {'prompt':'a','best_of':3}        | best_of
            {'prompt':'a','logprobs':21}      | logprobs
            {'prompt':'a','logprobs':-1}      | logprobs
            {'prompt':'a','messages':[]}      | messages
            """)
    void completionsToo(String body, String field) {
        if (field == null) {
            assertEquals(2, completion(body).prompts().size());
            return;
        }
        assertEquals(field, assertThrows(InferenceException.class, () -> completion(body)).field());
    }

    @Test
    void jsonThatIsBrokenDeepOrDoubleSaysWhere() {
        assertTrue(assertThrows(InferenceException.class, () -> json("{'a':1,}")).getMessage().contains("column 8"));
        assertEquals("MALFORMED_JSON", assertThrows(InferenceException.class, () -> json("{'a':1,'a':2}")).reason());
        assertEquals("MALFORMED_JSON", assertThrows(InferenceException.class, () -> json("[".repeat(100))).reason());
        assertEquals("MALFORMED_JSON", assertThrows(InferenceException.class, () -> json("{} {}")).reason());
        assertEquals("MALFORMED_JSON", assertThrows(InferenceException.class, () -> Json.object(new byte[] {'"', (byte) 0xff, '"'})).reason());
        assertEquals("MALFORMED_JSON", assertThrows(InferenceException.class, () -> json("7")).reason());
    }

    @Test
    void defaultsFillOnlyWhatABodyLeavesOpen() {
        Defaults defaults = new Defaults(json("{'max_tokens':9,'temperature':0,'logprobs':2}"));
        ObjectNode chat = json("{'messages':[],'max_completion_tokens':3}");
        defaults.fill(Bodies.CHAT, chat);
        assertEquals(json("{'messages':[],'max_completion_tokens':3,'temperature':0,'logprobs':true,'top_logprobs':2}"), chat);
        ObjectNode completion = json("{'prompt':'x','temperature':1}");
        defaults.fill(Bodies.COMPLETIONS, completion);
        assertEquals(json("{'prompt':'x','temperature':1,'max_tokens':9,'logprobs':2}"), completion);
        ObjectNode score = json("{'prompt':'x'}");
        defaults.fill(Bodies.SCORE, score);
        assertEquals(json("{'prompt':'x'}"), score);
    }
}
