package stasis.resource;

import java.util.List;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;

/// One task's pen into a [Program].
public record Script(Program program, ObjectId task) {
  /// A call that must succeed.
  public <T> Ref<T> call(Nr nr, String why, Arg... args) {
    return program.append(new Step.Call(task, nr, List.of(args), new Step.Expect.Success(), why));
  }

  /// See [Step.Expect.SuccessByGivenName].
  public <T> Ref<T> callByGivenName(Nr nr, String why, Arg... args) {
    return program.append(new Step.Call(task, nr, List.of(args), new Step.Expect.SuccessByGivenName(), why));
  }

  /// A call that must return exactly `value`.
  public <T> Ref<T> callExpecting(long value, Nr nr, String why, Arg... args) {
    return program.append(new Step.Call(task, nr, List.of(args), new Step.Expect.Exactly(value), why));
  }

  /// A call that may also fail with one of `tolerated`.
  public <T> Ref<T> callTolerating(Set<Errno> tolerated, Nr nr, String why, Arg... args) {
    return program.append(new Step.Call(task, nr, List.of(args), new Step.Expect.OrErrno(tolerated), why));
  }

  public void poke(RemoteAddress at, Bytes bytes, String why) {
    program.append(new Step.Poke(task, at, bytes, why));
  }

  public void fill(ObjectId body, long fromOffset, long lengthBytes, RemoteAddress to, String why) {
    program.append(new Step.Fill(task, body, fromOffset, lengthBytes, to, false, why));
  }

  /// Maps what takes no address: see [Step.MapWhereFree].
  public void mapWhereFree(Fd file, VmaState vma, int prot, int flags, String why) {
    program.append(new Step.MapWhereFree(task, file, vma.start(), vma.lengthBytes(), prot, flags, vma.offset(), why));
  }

  /// A call made `times` over, each followed by a copy of 4 bytes from `from` to `to`.
  public void repeat(long times, RemoteAddress to, RemoteAddress from, long value, Nr nr, String why, Arg... args) {
    program.append(new Step.Repeat(task, new Step.Call(task, nr, List.of(args), new Step.Expect.Exactly(value), why),
        times, to, from, why));
  }

  public void mapVdso(RemoteAddress at, String why) {
    program.append(new Step.MapVdso(task, at, why));
  }

  public void fillFile(Ref<Fd> file, ObjectId body, String why) {
    program.append(new Step.FillFile(task, file, body, why));
  }
}
