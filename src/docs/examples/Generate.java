import dev.skald.client.RemoteInference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;

/** Streams an answer from a running daemon: java -cp 'target/skald/lib/*' src/docs/examples/Generate.java 127.0.0.1:50051 '111+222=' */
public class Generate {
    public static void main(String[] args) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        InferenceRequest request = new InferenceRequest(
                "example-1", "", new Prompt.Text(args[1]), SamplingOptions.UNSET, InferenceRequest.Stopping.DEFAULT,
                InferenceRequest.Output.DEFAULT, 0, Optional.empty(), OptionalLong.empty(), "", false, false);
        try (RemoteInference daemon = RemoteInference.connect(args[0])) {
            daemon.start(request, event -> {
                switch (event) {
                    case InferenceEvent.Delta delta -> System.out.print(delta.text());
                    case InferenceEvent.Completed completed -> {
                        System.out.println();
                        ended.countDown();
                    }
                    case InferenceEvent.Failed failed -> {
                        System.err.println(failed.cause().getMessage());
                        ended.countDown();
                    }
                    default -> {}
                }
            });
            ended.await();
        }
    }
}
