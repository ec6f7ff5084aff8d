package stasis.loops;

import com.github.luben.zstd.Zstd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.RemoteMemory;

/// What is done to each page, and what each call of the kernel costs.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class Pages {
  private static final int CHUNK = 64 << 10;
  private static final int MIB = 1 << 20;
  private final byte[] chunk = halfRandom();
  private final byte[] packed = new byte[(int) Zstd.compressBound(CHUNK)];
  private final MemorySegment memory = Arena.global().allocate(MIB, 4096).fill((byte) 7);
  private final RemoteMemory own = new RemoteMemory(new Tid(Math.toIntExact(ProcessHandle.current().pid())));

  private static byte[] halfRandom() {
    byte[] bytes = new byte[CHUNK];
    new Random(1).nextBytes(bytes);
    for (int i = 0; i < CHUNK; i += 2) {
      bytes[i] = 0;
    }
    return bytes;
  }

  @Benchmark
  public byte[] sha256Of64Kib() throws NoSuchAlgorithmException {
    return MessageDigest.getInstance("SHA-256").digest(chunk);
  }

  @Benchmark
  public long crc32cOf64Kib() {
    var crc = new CRC32C();
    crc.update(chunk, 0, CHUNK);
    return crc.getValue();
  }

  @Benchmark
  public long zstdOf64Kib() {
    return Zstd.compressByteArray(packed, 0, packed.length, chunk, 0, CHUNK, 1);
  }

  /// By process_vm_readv(2), into memory that was touched before only where malloc(3) gives it again.
  @Benchmark
  public Bytes readMib() throws SyscallException {
    return own.read(new RemoteAddress(memory.address()), MIB);
  }

  /// The least that a call costs.
  @Benchmark
  public long systemCall() {
    return Syscalls.call(Nr.GETPPID);
  }
}
