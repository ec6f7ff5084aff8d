import java.util.Random;

/// A JVM whose heap holds so many mebibytes of random bytes.
public class Heap {
  public static void main(String[] arguments) throws InterruptedException {
    byte[][] blocks = new byte[Integer.parseInt(arguments[0])][1 << 20];
    Random random = new Random(1);
    for (byte[] block : blocks) {
      random.nextBytes(block);
    }
    System.out.println("ready");
    System.out.flush();
    while (blocks.length > 0) {
      Thread.sleep(1000);
    }
  }
}
