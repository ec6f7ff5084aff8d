package stasis.resource;

import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import stasis.image.ObjectId;

/// A restore plan: data, not effects. Same statefile in, same program out.
public final class Program {
  private final List<Step> steps = new ArrayList<>();

  /// An empty one.
  public Program() {}

  public Script in(ObjectId task) {
    return new Script(this, task);
  }

  public <T> Ref<T> append(Step step) {
    steps.add(step);
    return new Ref<>(steps.size() - 1);
  }

  public List<Step> steps() {
    return List.copyOf(steps);
  }

  /// strace-like text: golden files, `restore --dry-run` and the inspector all print this.
  public String explain() {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < steps.size(); i++) {
      out.append('%').append(i).append(" = ").append(explain(steps.get(i))).append('\n');
    }
    return out.toString();
  }

  /// One step as one line.
  public static String explain(Step step) {
    String what = switch (step) {
      case Step.Call(_, var nr, var args, var expect, _) -> nr.kernelName() + arguments(args) + expectation(expect);
      case Step.Spawn(_, var birth, _) -> "spawn " + birth(birth);
      case Step.TakeOver(_, var path, _) -> "execute " + path + " and take it over at its first instruction";
      case Step.MapVdso(_, var at, _) -> "map vdso at " + at;
      case Step.MapWhereFree(_, var file, var at, long length, int prot, int flags, long offset, _) ->
          "map fd " + file + " at " + at + ", 0x" + Long.toHexString(length) + " bytes from 0x"
              + Long.toHexString(offset) + ", prot " + prot + ", flags " + flags + ", by taking all above";
      case Step.Repeat(_, var call, long times, var to, var from, _) -> times + " times " + call.nr().kernelName()
          + arguments(call.args()) + expectation(call.expect()) + ", 4 bytes at " + to + " from " + from;
      case Step.Poke(_, var at, var bytes, _) -> "poke " + bytes.length() + " bytes at " + at;
      case Step.Fill(_, var body, long from, long length, var to, boolean forced, _) ->
          (forced ? "force " : "fill ") + to + " with pages of " + body + " [0x" + Long.toHexString(from) + ", +0x"
              + Long.toHexString(length) + ")";
      case Step.Release(_, var cpu, _) -> "release with mask " + cpu.mask()
          + cpu.sleep().map(sleep -> ", sleeping " + sleep.remainingNs() + " ns more").orElse("");
      case Step.Stop(_, int signal, _) -> "group stop by signal " + signal;
      case Step.End(_, int status, _, _) ->
          (status & 0x7f) == 0 ? "exit with " + (status >> 8 & 0xff) : "end by signal " + (status & 0x7f);
      case Step.FillFile(_, var file, var body, _) -> "fill file " + file + " with pages of " + body;
    };
    return "[" + step.in() + "] " + what + "  # " + step.why();
  }

  private static String birth(Step.Birth birth) {
    return switch (birth) {
      case Step.Birth.Root(var pids, var region, int imageFd) ->
          "root as pid " + pids + ", region " + region + ", image fd " + imageFd;
      case Step.Birth.Child(var parent, var pids, long flags, int signal) ->
          "child of " + parent + " as pid " + pids + " flags 0x" + Long.toHexString(flags) + " signal " + signal;
      case Step.Birth.Thread(var leader, var pids) -> "thread of " + leader + " as tid " + pids;
    };
  }

  private static String expectation(Step.Expect expect) {
    return switch (expect) {
      case Step.Expect.Success(), Step.Expect.SuccessByGivenName() -> "";
      case Step.Expect.Exactly(long value) -> " == " + value;
      case Step.Expect.OrErrno(var tolerated) ->
          " or " + tolerated.stream().sorted().map(Enum::name).collect(Collectors.joining("|"));
    };
  }

  private static String arguments(List<Arg> args) {
    StringJoiner out = new StringJoiner(", ", "(", ")");
    for (Arg arg : args) {
      out.add(argument(arg));
    }
    return out.toString();
  }

  private static String argument(Arg arg) {
    return switch (arg) {
      case Arg.Imm(long value) -> value > -4096 && value < 10 ? Long.toString(value) : "0x" + Long.toHexString(value);
      case Arg.Result(var of) -> of.toString();
      case Arg.Output(var of, int argument, int offset, int width) ->
          of + "." + argument + "[" + offset + ".." + (offset + width) + ")";
      case Arg.Data(var value) -> "&" + value;
      case Arg.Struct(var template, var patches) -> "&" + template + patches.stream()
          .map(p -> "+" + p.offset() + "=" + argument(p.value())).collect(Collectors.joining(",", "{", "}"));
      case Arg.Space(int lengthBytes) -> "&space(" + lengthBytes + ")";
      case Arg.Self() -> "self";
    };
  }
}
