package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Tid;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.tracee.CallResult;
import stasis.tracee.RemoteArg;
import stasis.tracee.RemoteCall;

/// Calls made in other tasks, as strace(1) would have shown them: the task, the call, its result. Those of one batch run
/// without a stop in between, so the last line has the time all of them took.
final class CallLines {
  /// Printable bytes, hexadecimal, and their NUL.
  private static final Pattern STRING = Pattern.compile("&((?:[2-6][0-9a-f]|7[0-9a-e])+)00(?=[,)])");

  private CallLines() {}

  /// Calls of an errand.
  static List<String> of(Tid task, List<RemoteCall> calls, List<CallResult> results, long tookNs) {
    var lines = new ArrayList<String>();
    for (int i = 0; i < calls.size(); i++) {
      lines.add("[" + task + "] " + call(calls.get(i)) + " = " + result(results.get(i)));
    }
    return timed(lines, tookNs);
  }

  /// Steps `from` up to `to` of a program that have been run.
  static List<String> of(List<Step> steps, int from, int to, Values values, Function<ObjectId, String> tid,
      long tookNs) {
    var lines = new ArrayList<String>();
    for (int i = from; i < to; i++) {
      Step step = steps.get(i);
      // "[#1] openat(...)  # why": the object becomes a task, and the result comes before the reason.
      String line = Program.explain(step).replaceFirst("^\\[" + step.in() + "\\]", "[" + tid.apply(step.in()) + "]");
      int reason = line.lastIndexOf("  # " + step.why());
      // What must answer one value exactly has it in its text.
      Optional<Long> result = step instanceof Step.Call call && !(call.expect() instanceof Step.Expect.Exactly)
          ? Optional.of(values.result(i)) : Optional.empty();
      lines.add(withTexts(line.substring(0, reason)) + result.map(value -> " = " + value(value)).orElse("")
          + line.substring(reason));
    }
    return timed(lines, tookNs);
  }

  /// Bytes that are a string, as one.
  private static String withTexts(String line) {
    return STRING.matcher(line).replaceAll(found -> Matcher.quoteReplacement("\""
        + Bytes.hex(found.group(1)).latin1() + "\""));
  }

  private static List<String> timed(List<String> lines, long tookNs) {
    if (!lines.isEmpty()) {
      lines.add(lines.removeLast() + String.format(Locale.ROOT, " <%d us>", tookNs / 1000));
    }
    return lines;
  }

  private static String call(RemoteCall call) {
    var arguments = new StringJoiner(", ", call.nr().kernelName() + "(", ")");
    for (RemoteArg argument : call.arguments()) {
      arguments.add(switch (argument) {
        case RemoteArg.Imm(long value) -> value > -4096 && value < 4096 ? Long.toString(value)
            : "0x" + Long.toHexString(value);
        case RemoteArg.In(var content) -> "&" + content;
        case RemoteArg.InOut(var content) -> "&" + content;
        case RemoteArg.Out(int bytes) -> "&space(" + bytes + ")";
      });
    }
    return arguments.toString();
  }

  private static String result(CallResult result) {
    return switch (result) {
      case CallResult.Returned(long value, var outputs) ->
          value(value) + (outputs.isEmpty() ? "" : " " + outputs);
      case CallResult.Failed(Errno errno) -> value(-errno.number());
      case CallResult.Died(var last) -> "? (" + last + ")";
    };
  }

  private static String value(long value) {
    return Errno.isError(value) ? "-1 " + Errno.of(value)
        : value < 4096 ? Long.toString(value) : "0x" + Long.toHexString(value);
  }
}
