package dev.skald.batch;

import dev.skald.openai.Defaults;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A job in a process of its own that a test can kill, answered by a model that echoes and dies of prompts with POISON in them. Arguments:
 * input, output, milliseconds for an answer, then "ordered". As "alone" it is the process for suspected lines.
 */
final class BatchMain {
    private BatchMain() {}

    public static void main(String[] args) throws Exception {
        EchoInference echo = new EchoInference(Long.parseLong(args[2]));
        Fleet fleet = Fleet.of(List.of(new TestLane("here", echo, 16, false)), ModelFacts.of(echo));
        if (args[0].equals("alone")) {
            new AloneServer(fleet, Defaults.NONE, 0).run(System.in, System.out);
            System.exit(0);
        }
        BatchPlan plan = new BatchPlan(
                Optional.of(Path.of(args[0])), Path.of(args[1]), Shard.WHOLE, Defaults.NONE, 0,
                new RunSettings(List.of(args).contains("ordered"), 64, Optional.empty(), Duration.ZERO, Duration.ofSeconds(60)), false, false);
        AloneLauncher launcher = () -> new ProcessBuilder(command("alone", "-", args[2])).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        Summary summary = new BatchJob(plan, () -> fleet, Optional.of(launcher), new Progress(System.err, false), new Stop(), "test")
                .run(java.io.InputStream.nullInputStream());
        System.out.println(summary.json());
        System.exit(summary.ending() instanceof Ending.Complete ? 0 : 6);
    }

    static List<String> command(String... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                "-cp", System.getProperty("java.class.path"), BatchMain.class.getName()));
        command.addAll(List.of(args));
        return command;
    }

    static Process start(String... args) throws IOException {
        return new ProcessBuilder(command(args)).redirectErrorStream(false).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }
}
