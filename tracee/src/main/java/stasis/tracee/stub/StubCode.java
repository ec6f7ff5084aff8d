package stasis.tracee.stub;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.sys.Syscalls;

/// The machine code every task of ours runs: position-independent, x86-64, one piece. Listed and explained in
/// docs/restore-program.md; a test assembles that listing and compares bytes and offsets with these.
final class StubCode {
  /// Entry of a spawned stub.
  static final int STUB = 0x0;
  /// A loop that needs neither stack nor memory.
  static final int WAIT = 0x20;
  /// The syscall instruction of the wait loop, used for calls made one by one.
  static final int GADGET = 0x25;
  /// Executes descriptors: rbx the first, r12 how many, r14 0.
  static final int RUNNER = 0x35;
  /// The int3 a run ends with; rip then is one further.
  static final int TRAP = 0xf8;
  /// First process of a pid namespace.
  static final int INIT = 0xfe;
  /// Entry of a keeper.
  static final int KEEPER = 0x164;
  /// Base, length, memfd, control socket and parent, as a keeper and a stub read them.
  static final int PARAMETERS = 0x210;

  static final int DESCRIPTOR_BYTES = 64;

  private static final Bytes CODE = Bytes.hex("""
      b89d000000bf01000000be090000000f05b86e0000000f053b050a0200007509b8220000000f05ebf7bf01000000b8e7\
      0000000f05fc4d85e40f84b10000000fb76b06488d730885ed742989e883e0037419488b3e83f802720b740548633feb\
      078b3feb03488b3f48893e4883c608c1ed02ebd366896b06488b7b08488b7310488b53184c8b53204c8b43284c8b4b30\
      4c8b6b380fb66b0483fd02743f77468b030f0585ed74094885c00f8470ffffff488943380fb64b0585c9741483f90274\
      0a483d01f0ffff7327eb054c39e875204883c34049ffcce95affffff4889d1f3a431c0ebcb4889fb4989f4e946ffffff\
      4d85f6740341ffe6cce922ffffffb83d00000048c7c7ffffffff488d7424c0ba000000404531d20f054883f8f6742248\
      39d875da31db448b6424c0b8010000004489ef488d7424c0ba040000000f05ebbd4489e74489e083e07f74088db88000\
      0000eb09c1ef0881e7ff000000b8e70000000f05b809000000488b3da0000000488b35a1000000ba0300000041ba0100\
      1000448b05970000004531c90f05483b057b0000000f858efeffff4989c731c08b3d7e000000498d7720ba010000000f\
      054883f8fc74e74883f8017530498b5f104d8b67184c8d3505000000e964feffff4d896728b8010000008b3d44000000\
      498d7720ba010000000f05ebb1498b1f4d8b67084c8d3505000000e935feffff31ffb8e70000000f050f1f8000000000\
      0000000000000000000000000000000000000000000000000000000000000000""");

  private StubCode() {}

  /// The code with zero parameters, as it goes to the first page of a [Region].
  static Bytes plain() {
    if (Syscalls.HOST != Arch.X86_64) {
      throw new UnsupportedOperationException("the stub's code exists for X86_64 only, not for " + Syscalls.HOST);
    }
    return CODE;
  }

  /// The code of a stub that exits unless `parentPid` is its parent.
  static Bytes forStub(int parentPid) {
    return plain().withU32(PARAMETERS + 24, parentPid);
  }

  /// The code of a keeper.
  ///
  /// @param shared where it maps the memfd @param lengthBytes all of it @param memfd @param control numbers it inherits
  static Bytes forKeeper(RemoteAddress shared, long lengthBytes, int memfd, int control) {
    ByteBuffer code = ByteBuffer.wrap(plain().toArray()).order(ByteOrder.LITTLE_ENDIAN);
    code.putLong(PARAMETERS, shared.bits()).putLong(PARAMETERS + 8, lengthBytes);
    code.putInt(PARAMETERS + 16, memfd).putInt(PARAMETERS + 20, control);
    return Bytes.of(code);
  }
}
