import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.locks.LockSupport;

/** A server with threads that wait, and a text in its heap that is in no file. */
class Views {
  public static void main(String[] arguments) throws Exception {
    String text = String.join("-", "needle", "in", "a", "heap").toUpperCase() + arguments[0];
    byte[] found = text.getBytes("ISO-8859-1");
    for (int i = 0; i < 8; i++) {
      Thread.ofPlatform().name("idle-" + i).start(LockSupport::park);
    }
    try (ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      System.out.println("ready " + socket.getLocalPort());
      Thread.sleep(600_000);
      System.out.println(found.length);
    }
  }
}
