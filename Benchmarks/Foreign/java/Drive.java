// The driver of Netty (Java): the frame decoder, the check of UTF-8 and the aggregator, in the order in which its server's handler has
// them, in a channel without I/O. What it prints is told in c/drive.h.
//   java -cp ... Drive utf8|plain CORPUS WIRE...
// `plain` leaves the check of UTF-8 out, as its server's handler can be told to.
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.Utf8FrameValidator;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.util.Version;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

public final class Drive {
    private static final long WARM_UP_NS = 1_500_000_000L, SAMPLE_NS = 60_000_000L;
    private static final int SAMPLES = 8, MESSAGE_BYTES_MAX = 64 << 20;

    private static boolean checksUtf8;

    private record Wire(byte[] bytes, int[] arrivals, byte[] messages, byte[] pongs) { }

    private static final class Connection {
        final EmbeddedChannel channel =
            new EmbeddedChannel(new WebSocket13FrameEncoder(false), new WebSocket13FrameDecoder(true, false, MESSAGE_BYTES_MAX));
        final boolean keeps;
        final ByteArrayOutputStream messages = new ByteArrayOutputStream(), sent = new ByteArrayOutputStream();
        long counted;
        boolean closes;

        Connection(boolean keeps) {
            this.keeps = keeps;
            if (checksUtf8) channel.pipeline().addLast(new Utf8FrameValidator());
            channel.pipeline().addLast(new WebSocketFrameAggregator(MESSAGE_BYTES_MAX));
        }

        void feed(Wire from) {
            int at = 0;
            for (int length : from.arrivals) {
                ByteBuf arrival = PooledByteBufAllocator.DEFAULT.directBuffer(length);
                arrival.writeBytes(from.bytes, at, length);
                channel.writeInbound(arrival);
                at += length;
                for (WebSocketFrame frame; (frame = channel.readInbound()) != null;) take(frame);
                for (ByteBuf bytes; (bytes = channel.readOutbound()) != null;) send(bytes);
            }
        }

        private void take(WebSocketFrame frame) {
            if (frame instanceof PingWebSocketFrame) {
                channel.writeOutbound(new PongWebSocketFrame(frame.content()));
                return;
            }
            if (frame instanceof TextWebSocketFrame || frame instanceof BinaryWebSocketFrame) {
                ByteBuf content = frame.content();
                counted += content.readableBytes();
                if (keeps) {
                    byte[] head = ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN)
                        .put((byte) (frame instanceof TextWebSocketFrame ? 1 : 2)).putInt(content.readableBytes()).array();
                    byte[] bytes = new byte[content.readableBytes()];
                    content.readBytes(bytes);
                    messages.writeBytes(head);
                    messages.writeBytes(bytes);
                }
            }
            frame.release();
        }

        private void send(ByteBuf bytes) {
            counted += bytes.readableBytes();
            if (keeps) {
                byte[] copy = new byte[bytes.readableBytes()];
                bytes.readBytes(copy);
                closes |= copy.length > 0 && copy[0] == (byte) 0x88;
                sent.writeBytes(copy);
            }
            bytes.release();
        }
    }

    private static Wire load(String corpus, String name) throws IOException {
        ByteBuffer lengths = ByteBuffer.wrap(read(corpus, name, "arrivals")).order(ByteOrder.LITTLE_ENDIAN);
        int[] arrivals = new int[lengths.capacity() / 4];
        for (int i = 0; i < arrivals.length; i++) arrivals[i] = lengths.getInt();
        return new Wire(read(corpus, name, "wire"), arrivals, read(corpus, name, "messages"), read(corpus, name, "pongs"));
    }

    private static byte[] read(String corpus, String name, String ending) throws IOException {
        return Files.readAllBytes(Path.of(corpus, name + "." + ending));
    }

    private static String mistake(Wire from) {
        Connection connection = new Connection(true);
        for (int round = 0; round < 2; round++) {
            connection.messages.reset();
            connection.sent.reset();
            try {
                connection.feed(from);
            } catch (RuntimeException error) {
                return "refused: " + error;
            }
            if (!Arrays.equals(connection.messages.toByteArray(), from.messages)) return "other messages";
            if (!Arrays.equals(connection.sent.toByteArray(), from.pongs)) return "other Pongs";
        }
        return null;
    }

    private static boolean accepts(byte[] bytes) {
        Connection connection = new Connection(true);
        try {
            connection.feed(new Wire(bytes, new int[] {bytes.length}, null, null));
        } catch (RuntimeException error) {
            return false;
        }
        return !connection.closes && connection.channel.isOpen();
    }

    private static double run(Connection connection, Wire from, long enough) {
        long begun = System.nanoTime(), ns;
        int rounds = 0;
        do {
            connection.feed(from);
            rounds++;
        } while ((ns = System.nanoTime() - begun) < enough);
        return (double) ns / rounds;
    }

    private static void measure(String corpus, String name) throws IOException {
        Wire from = load(corpus, name);
        Connection connection = new Connection(false);
        run(connection, from, WARM_UP_NS);
        double sum = 0, squares = 0;
        for (int i = 0; i < SAMPLES; i++) {
            double ns = run(connection, from, SAMPLE_NS);
            sum += ns;
            squares += ns * ns;
        }
        double mean = sum / SAMPLES, spread = Math.sqrt(Math.max(0, (squares - sum * mean) / (SAMPLES - 1)));
        System.out.printf(Locale.ROOT, "time\t%s\t%.1f\t%.1f%n", name, mean, spread);
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".wire"))
                .map(name -> name.substring(0, name.length() - 5)).sorted().collect(Collectors.toList());
        }
    }

    public static void main(String[] words) throws IOException {
        checksUtf8 = words[0].equals("utf8");
        String corpus = words[1];
        String netty = Version.identify().values().stream().map(Version::artifactVersion).findFirst().orElse("?");
        System.out.printf("parser\tNetty%s (Java)\t%s, Java %s%n", checksUtf8 ? "" : ", no UTF-8", netty, System.getProperty("java.version"));
        for (String name : names(Path.of(corpus))) {
            String why = mistake(load(corpus, name));
            if (why == null) continue;
            System.out.printf("wrong\t%s\t%s%n", name, why);
            return;
        }
        System.out.println("right");
        for (String name : names(Path.of(corpus, "broken")))
            if (accepts(Files.readAllBytes(Path.of(corpus, "broken", name + ".wire")))) System.out.printf("accepts\t%s%n", name);
        for (int i = 2; i < words.length; i++) measure(corpus, words[i]);
    }
}
