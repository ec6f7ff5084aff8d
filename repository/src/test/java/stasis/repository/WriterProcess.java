package stasis.repository;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.linux.abi.Bytes;

/// A writer in a process of its own, so that it can be killed. Prints each step it has reached, then goes on when a
/// byte comes on stdin; prints the sentence of a failure.
final class WriterProcess {
  static final int PAGE_BYTES = 4 << 20;

  private WriterProcess() {}

  /// @param args folder; `step` to wait at every step, `fill` to use up the device after a first MiB, or `run`; bytes
  ///     of pages, a multiple of 1 MiB
  public static void main(String[] args) throws Exception {
    boolean wait = args[1].equals("step");
    int pageBytes = args.length > 2 ? Integer.parseInt(args[2]) : PAGE_BYTES;
    try (ImageWriter writer = ImageStore.create(Path.of(args[0]), true, step -> reached(step.name(), wait))) {
      reached("CREATED", wait);
      writer.writeMetadata(Bytes.zeros(5000), pageBytes);
      for (int done = 0; done < pageBytes; done += 1 << 20) {
        writer.pages().write(ByteBuffer.allocateDirect(1 << 20));
        reached("PAGES_" + done, wait);
        if (args[1].equals("fill")) {
          fill(Path.of(args[0]).resolve("other"));
        }
      }
      writer.commit(_ -> reached("EXAMINING", wait));
    } catch (ImageException e) {
      System.out.println(e.reason() + ": " + e.getMessage());
      System.out.flush();
    }
    System.out.println("END");
  }

  private static void fill(Path other) throws IOException {
    try (OutputStream out = Files.newOutputStream(other)) {
      for (int i = 0; i < 1_000; i++) {
        out.write(new byte[1 << 16]);
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        throw e;
      }
    }
  }

  private static void reached(String step, boolean wait) {
    System.out.println(step);
    System.out.flush();
    try {
      if (wait && System.in.read() < 0) {
        throw new IllegalStateException("nobody is there to go on for");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
