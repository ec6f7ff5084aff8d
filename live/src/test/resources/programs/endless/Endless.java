import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/// Threads that hash, collect garbage, hand numbers to one another and check all of it; the contract is that of contract.py.
public class Endless {
  private static final Path FOLDER = Path.of(System.getenv("VICTIM_DIR"));
  private static final AtomicLong ROUNDS = new AtomicLong();

  static void say(String line) throws Exception {
    Files.writeString(FOLDER.resolve("status"), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  interface Part {
    void run() throws Exception;
  }

  static void part(Part part) {
    Thread thread = new Thread(() -> {
      try {
        while (true) {
          part.run();
        }
      } catch (Throwable t) {
        try {
          say("FAIL " + t);
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
        System.exit(1);
      }
    });
    thread.setDaemon(true);
    thread.start();
  }

  static void require(boolean condition, String what) {
    if (!condition) {
      throw new IllegalStateException(what);
    }
  }

  public static void main(String[] arguments) throws Exception {
    say("START " + ProcessHandle.current().pid());
    part(() -> {
      Map<Integer, byte[]> map = new HashMap<>();
      Random random = new Random(1);
      for (int i = 0; i < 2000; i++) {
        byte[] bytes = new byte[512];
        random.nextBytes(bytes);
        map.put(i, bytes);
      }
      Random again = new Random(1);
      byte[] expected = new byte[512];
      for (int i = 0; i < 2000; i++) {
        again.nextBytes(expected);
        require(java.util.Arrays.equals(expected, map.get(i)), "entry " + i);
      }
      ROUNDS.incrementAndGet();
      Thread.sleep(5);
    });
    part(() -> {
      byte[] bytes = new byte[1 << 18];
      new Random(7).nextBytes(bytes);
      CRC32C crc = new CRC32C();
      crc.update(bytes);
      long first = crc.getValue();
      for (int i = 0; i < 20; i++) {
        crc.reset();
        crc.update(bytes);
        require(crc.getValue() == first, "sum");
      }
      Thread.sleep(5);
    });
    var queue = new SynchronousQueue<Long>();
    long[] next = new long[2];
    part(() -> {
      queue.put(next[0]++);
      Thread.sleep(1);
    });
    part(() -> require(queue.take() == next[1]++, "number " + next[1]));
    boolean told = false;
    try (var file = new RandomAccessFile(FOLDER.resolve("rounds").toFile(), "rw")) {
      while (!Files.exists(FOLDER.resolve("go.always"))) {
        long rounds = ROUNDS.get();
        file.getChannel().write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, rounds), 0);
        if (!told && rounds > 0) {
          told = true;
          say("READY always file");
        }
        Thread.sleep(2);
      }
    }
    say("PASS");
  }
}
