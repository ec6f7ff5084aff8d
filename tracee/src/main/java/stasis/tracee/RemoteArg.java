package stasis.tracee;

import stasis.linux.abi.Bytes;

/// One argument of a remote call. All but Imm stand for the address of a piece of scratch memory in the task.
public sealed interface RemoteArg {
  record Imm(long value) implements RemoteArg {}

  /// Memory that the call reads.
  record In(Bytes content) implements RemoteArg {}

  /// Memory that the call reads and writes; it is read back as an output.
  record InOut(Bytes content) implements RemoteArg {}

  /// Memory that the call writes, zero before; it is read back as an output.
  record Out(int sizeBytes) implements RemoteArg {}
}
