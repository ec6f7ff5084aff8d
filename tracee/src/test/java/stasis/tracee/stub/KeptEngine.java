package stasis.tracee.stub;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// An engine that arms a keeper and then ends as it is told to, for [KeeperTest].
///
/// Arguments: how it ends (kill, disarm, return, leave), then what the keeper is to do: `victim PID` (kill it),
/// `peek PID FD` (undo SO_PEEK_OFF on a socket of that process), `order PATH` and `churn PATH` (write to a file),
/// `stay PATH PID`.
final class KeptEngine {
  private static final int SIGKILL = 9;
  private static final int SO_PEEK_OFF = 42;

  private KeptEngine() {}

  public static void main(String[] args) throws Exception {
    Keeper keeper = Keeper.start();
    System.out.println("keeper " + keeper.pid());
    switch (args[1]) {
      case "victim" -> victim(keeper, Integer.parseInt(args[2]));
      case "peek" -> peek(keeper, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
      case "order" -> order(keeper, args[2]);
      case "stay" -> {
        order(keeper, args[2]);
        keeper.stayWhile(keeper.hold(pidfd(Integer.parseInt(args[3]))));
      }
      case "churn" -> churn(keeper, args[2]);
      case String other -> throw new IllegalArgumentException(other);
    }
    System.out.println("armed");
    switch (args[0]) {
      case "kill" -> Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), SIGKILL);
      case "disarm" -> {
        keeper.close();
        System.out.println("keeper there " + Files.exists(Path.of("/proc/" + keeper.pid())));
        Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), SIGKILL);
      }
      case "return" -> { }
      case "leave" -> {
        keeper.leave();
        Thread.sleep(60_000);
      }
      case String other -> throw new IllegalArgumentException(other);
    }
  }

  static Fd pidfd(int pid) throws SyscallException {
    return new Fd((int) Syscalls.require("test", Nr.PIDFD_OPEN, pid, 0));
  }

  private static void victim(Keeper keeper, int pid) throws SyscallException {
    KeeperFd held = keeper.hold(pidfd(pid));
    keeper.undo(Nr.PIDFD_SEND_SIGNAL, held.number(), SIGKILL, 0, 0);
  }

  private static void peek(Keeper keeper, int pid, int fd) throws SyscallException {
    Fd socket = new Fd((int) Syscalls.require("test", Nr.PIDFD_GETFD, pidfd(pid).value(), fd, 0));
    KeeperFd held = keeper.hold(socket);
    var undo = new Batch();
    Slot off = undo.data(Bytes.ofU32(-1));
    undo.call(Nr.SETSOCKOPT, held.operand(), Operand.imm(1), Operand.imm(SO_PEEK_OFF), off.address(), Operand.imm(4));
    keeper.undo(undo);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment on = arena.allocateFrom(ValueLayout.JAVA_INT, 5);
      Syscalls.require("test", Nr.SETSOCKOPT, socket.value(), 1, SO_PEEK_OFF, on.address(), 4);
    }
  }

  private static void order(Keeper keeper, String path) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      Fd file = new Fd((int) Syscalls.require("test", Nr.OPENAT, -100, arena.allocateFrom(path).address(), 1, 0));
      KeeperFd held = keeper.hold(file);
      UndoId withdrawn = keeper.undo(writing(held, "w"));
      keeper.undo(writing(held, "1"));
      UndoId middle = keeper.undo(writing(held, "x"));
      keeper.undo(Nr.CLOSE, 99);
      keeper.undo(writing(held, "2"));
      UndoId newest = keeper.undo(writing(held, "y"));
      keeper.withdraw(middle);
      keeper.withdraw(newest);
      keeper.withdraw(withdrawn);
      keeper.undo(writing(held, "3"));
    }
  }

  /// Leaves undos and withdraws them, at both ends of the list and in its middle, until killed.
  private static void churn(Keeper keeper, String path) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      Fd file = new Fd((int) Syscalls.require("test", Nr.OPENAT, -100, arena.allocateFrom(path).address(), 1, 0));
      KeeperFd held = keeper.hold(file);
      keeper.undo(writing(held, "A"));
      System.out.println("armed");
      while (true) {
        UndoId b = keeper.undo(writing(held, "B"));
        UndoId c = keeper.undo(writing(held, "C"));
        keeper.withdraw(b);
        keeper.withdraw(c);
      }
    }
  }

  private static Batch writing(KeeperFd file, String text) {
    var batch = new Batch();
    Slot bytes = batch.data(Bytes.cString(text));
    batch.call(Nr.WRITE, file.operand(), bytes.address(), Operand.imm(text.length()));
    return batch;
  }
}
