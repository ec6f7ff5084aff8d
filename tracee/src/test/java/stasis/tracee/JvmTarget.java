package stasis.tracee;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.concurrent.SynchronousQueue;

/// A Java program that checks itself while it is being traced. Argument: shared file, words as in target.c.
final class JvmTarget {
  private JvmTarget() {}

  public static void main(String[] arguments) throws Exception {
    ByteBuffer report;
    try (FileChannel channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.READ,
        StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
      report = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096).order(ByteOrder.LITTLE_ENDIAN);
    }
    var items = new SynchronousQueue<Long>();
    Thread.ofPlatform().daemon(true).start(() -> {
      while (true) {
        long began = System.nanoTime();
        java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        byte[][] garbage = new byte[100][];
        for (int i = 0; i < garbage.length; i++) {
          garbage[i] = new byte[20_000];
        }
        if (System.nanoTime() - began < 0 || garbage[7].length != 20_000) {
          wrong(report, "time went backwards");
        }
      }
    });
    Thread.ofPlatform().daemon(true).start(() -> {
      for (long wanted = 0;; wanted++) {
        try {
          if (items.take() != wanted) {
            wrong(report, "an item was lost");
          }
        } catch (InterruptedException e) {
          wrong(report, "interrupted");
        }
      }
    });
    byte[] expected = compute();
    report.putLong(0, ProcessHandle.current().pid());
    for (long rounds = 0;; rounds++) {
      if (!Arrays.equals(compute(), expected)) {
        wrong(report, "a computation went wrong");
      }
      items.put(rounds);
      report.putLong(64, rounds + 1);
    }
  }

  private static byte[] compute() throws java.security.NoSuchAlgorithmException {
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    byte[] digest = new byte[0];
    double[] numbers = new double[1000];
    for (int i = 0; i < 300; i++) {
      sha.update(digest);
      digest = sha.digest(new byte[] {(byte) i});
      for (int k = 0; k < numbers.length; k++) {
        numbers[k] += Math.sqrt(k) * i;
      }
    }
    sha.update(Double.toString(Arrays.stream(numbers).sum()).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    return sha.digest(digest);
  }

  private static void wrong(ByteBuffer report, String text) {
    report.putLong(16 * 8, 1);
    report.put(34 * 8, (text + "\0").getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
  }
}
