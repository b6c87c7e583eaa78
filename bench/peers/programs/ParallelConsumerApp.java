import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.Reader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Confluent Parallel Consumer in KEY mode: one record of an administration at a time, many side by side. */
public class ParallelConsumerApp {
    public static void main(String[] arguments) throws Exception {
        Properties given = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            given.load(reader);
        }
        Properties config = new Properties();
        config.put("bootstrap.servers", given.getProperty("broker"));
        config.put("group.id", given.getProperty("group"));
        config.put("enable.auto.commit", "false");
        config.put("auto.offset.reset", "earliest");
        config.put("session.timeout.ms", "6000");
        config.put("heartbeat.interval.ms", "2000");
        KafkaConsumer<String, byte[]> consumer =
            new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ParallelStreamProcessor<String, byte[]> processor = ParallelStreamProcessor.createEosStreamProcessor(
            ParallelConsumerOptions.<String, byte[]>builder()
                .ordering(ProcessingOrder.KEY)
                .consumer(consumer)
                .maxConcurrency(Integer.parseInt(given.getProperty("concurrency")))
                .defaultMessageRetryDelay(Duration.ofMillis(200))
                .build());
        processor.subscribe(List.of(given.getProperty("topic")));
        // What throws is tried again by the library.
        processor.poll(context -> book(client, given, context.key(), context.value()));
        Thread.currentThread().join();
    }

    private static void book(HttpClient client, Properties given, String administration, byte[] document) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(given.getProperty("address")))
            .timeout(Duration.ofSeconds(30))
            .header("Authorization", "Bearer " + given.getProperty("token." + administration))
            .header("Ocp-Apim-Subscription-Key", given.getProperty("subscription_key"))
            .header("Content-Type", "application/json; charset=utf-8")
            .POST(HttpRequest.BodyPublishers.ofByteArray(document))
            .build();
        try {
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() / 100 != 2) {
                throw new IllegalStateException("status " + answer.statusCode());
            }
        } catch (java.io.IOException | InterruptedException failure) {
            throw new IllegalStateException(failure);
        }
    }
}
