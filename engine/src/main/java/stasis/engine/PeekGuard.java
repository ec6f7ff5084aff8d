package stasis.engine;

import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.socket.UnixQueue;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.KeeperFd;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Slot;

/// SO_PEEK_OFF is the socket's, and would stay after the engine's end: while it is set, a keeper stands by to unset it.
final class PeekGuard implements UnixQueue.Guard {
  private static final int SOL_SOCKET = 1;
  private static final int SO_PEEK_OFF = 42;

  private final Fd socket;
  private Optional<Keeper> keeper = Optional.empty();

  /// @param socket the engine's own copy
  PeekGuard(Fd socket) {
    this.socket = socket;
  }

  @Override
  public void enter() throws SyscallException {
    Keeper started = Keeper.start();
    keeper = Optional.of(started);
    KeeperFd held = started.hold(socket);
    var undo = new Batch();
    Slot off = undo.data(Bytes.ofU32(-1));
    undo.call(Nr.SETSOCKOPT, held.operand(), Operand.imm(SOL_SOCKET), Operand.imm(SO_PEEK_OFF), off.address(),
        Operand.imm(4));
    started.undo(undo);
  }

  /// A keeper that is closed undoes nothing, and ends before this returns.
  @Override
  public void leave() throws SyscallException {
    if (keeper.isPresent()) {
      keeper.get().close();
    }
  }
}
