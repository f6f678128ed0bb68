package dev.skald.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.bench.LoadGenerator;
import dev.skald.bench.LoadReport;
import dev.skald.bench.LoadSettings;
import dev.skald.client.SkaldClient;
import java.io.IOException;
import java.util.Locale;
import java.util.OptionalDouble;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald load`: many clients on a running daemon. */
@picocli.CommandLine.Command(description = "Put a load on a running daemon over gRPC and report what its clients see.")
final class LoadCommand implements dev.skald.cli.Command {
    /** Requests of each client, unless --requests says how many there are in all. */
    private static final int REQUESTS_PER_CLIENT = 4;

    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(arity = "1", paramLabel = "HOST:PORT", description = "The daemon.")
    String endpoint;

    @Option(names = "--clients", paramLabel = "N", description = "Clients at once, each with one request at a time (default: 16).")
    int clients = 16;

    @Option(names = "-p", paramLabel = "N", description = "Prompt tokens, drawn by seed (default: 128).")
    int promptTokens = 128;

    @Option(names = "-n", paramLabel = "N", description = "Generated tokens (default: 64).")
    int genTokens = 64;

    @Option(names = "--requests", paramLabel = "N", description = "Requests in all (default: 4 per client).")
    Integer requests;

    @Option(names = "--seed", paramLabel = "N", description = "Of the prompts (default: 1).")
    long seed = 1;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Print one JSON object.")
    boolean json;

    @Mixin
    TlsFlags tls = new TlsFlags();

    private final Stdio stdio;

    LoadCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        try (SkaldClient daemon = new SkaldClient(tls.endpoint(endpoint))) {
            int all = requests == null ? REQUESTS_PER_CLIENT * clients : requests;
            LoadReport report = new LoadGenerator(daemon.inference(), new LoadSettings(clients, promptTokens, genTokens, all, seed)).run();
            if (json) stdio.out().println(new ObjectMapper().writeValueAsString(report.fields()));
            else print(report);
            return report.failed() > 0 || stdio.out().checkError() ? ExitCode.FAILED : ExitCode.OK;
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }

    private void print(LoadReport r) {
        stdio.out().printf(Locale.ROOT, "%d of %d requests answered in %.1f s%n", r.completed(), r.settings().requests(), r.seconds());
        stdio.out().printf(Locale.ROOT, "generated   %.1f tokens/s%n", r.tokensPerSecond());
        stdio.out().printf("ttft        p50 %s ms, p95 %s ms%n", number(r.ttftMillis().p50()), number(r.ttftMillis().p95()));
        stdio.out().printf("itl         p50 %s ms, p95 %s ms%n", number(r.itlMillis().p50()), number(r.itlMillis().p95()));
        if (r.failed() > 0) stdio.out().println("errors      " + r.errors() + ", the first: " + r.firstError());
    }

    private static String number(OptionalDouble value) {
        return value.isEmpty() ? "–" : String.format(Locale.ROOT, "%.1f", value.getAsDouble());
    }
}
