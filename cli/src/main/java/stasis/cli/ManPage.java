package stasis.cli;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// A manual page of a verb, or of `stasis` itself, as man(7) source: made from what the command line is made of, so
/// that neither can say anything else.
record ManPage(CommandSpec spec) {
  private static final String SECTION = "1";

  /// `stasis-checkpoint.1`
  String fileName() {
    return title() + "." + SECTION;
  }

  private String title() {
    return spec.qualifiedName("-");
  }

  String text() {
    StringBuilder out = new StringBuilder();
    out.append(".TH ").append(title().toUpperCase(Locale.ROOT)).append(' ').append(SECTION).append(" \"\" \"Stasis ")
        .append(Build.version()).append("\" \"Stasis\"\n");
    out.append(".SH NAME\n").append(escaped(title())).append(" \\- ").append(escaped(lines(spec.usageMessage()
        .description()))).append('\n');
    out.append(".SH SYNOPSIS\n.B ").append(escaped(spec.qualifiedName())).append('\n');
    if (!spec.subcommands().isEmpty()) {
      out.append("VERB [OPTION...]\n");
    }
    spec.options().stream().filter(OptionSpec::required).forEach(option -> synopsis(out, option));
    spec.positionalParameters().forEach(parameter -> out.append(parameter.required() ? "" : "[")
        .append(escaped(parameter.paramLabel())).append(parameter.required() ? "\n" : "]\n"));
    out.append("[OPTION...]\n");
    verbs(out);
    arguments(out);
    footer(out);
    return out.toString();
  }

  private static void synopsis(StringBuilder out, OptionSpec option) {
    out.append("\\fB").append(escaped(option.longestName())).append("\\fR ").append(escaped(option.paramLabel()))
        .append('\n');
  }

  private void verbs(StringBuilder out) {
    if (spec.subcommands().isEmpty()) {
      return;
    }
    out.append(".SH VERBS\n");
    spec.subcommands().values().stream().map(line -> line.getCommandSpec()).distinct()
        .filter(verb -> !verb.usageMessage().hidden()).forEach(verb -> item(out, verb.name(),
            lines(verb.usageMessage().description()) + " See " + verb.qualifiedName("-") + "(" + SECTION + ")."));
  }

  private void arguments(StringBuilder out) {
    if (spec.positionalParameters().stream().anyMatch(parameter -> !parameter.hidden())) {
      out.append(".SH ARGUMENTS\n");
      for (PositionalParamSpec parameter : spec.positionalParameters()) {
        item(out, parameter.paramLabel(), description(parameter));
      }
    }
    out.append(".SH OPTIONS\n");
    for (OptionSpec option : spec.options()) {
      if (!option.hidden()) {
        String names = String.join(", ", Arrays.stream(option.names()).sorted(
            Comparator.comparingInt(String::length)).toList());
        boolean optional = option.arity().min() == 0 && option.arity().max() > 0;
        item(out, names + (option.arity().max() == 0 ? "" : optional ? "[=" + option.paramLabel() + "]"
            : " " + option.paramLabel()), description(option));
      }
    }
  }

  /// Names of the values there are stand in the text as they do in `--help`.
  private static String description(ArgSpec argument) {
    StringBuilder candidates = new StringBuilder();
    if (argument.completionCandidates() != null) {
      argument.completionCandidates().forEach(one -> candidates.append(candidates.isEmpty() ? "" : ", ").append(one));
    }
    return lines(argument.description()).replace("${COMPLETION-CANDIDATES}", candidates)
        .replace("${DEFAULT-VALUE}", String.valueOf(argument.defaultValue()));
  }

  private static void item(StringBuilder out, String what, String text) {
    out.append(".TP\n.B ").append(escaped(what)).append('\n').append(escaped(text)).append('\n');
  }

  /// Examples, exit status and what else stands at the end of `--help`: each line as it is.
  private void footer(StringBuilder out) {
    String[] lines = spec.usageMessage().footer();
    if (lines.length == 0) {
      return;
    }
    out.append(".SH NOTES\n.nf\n");
    for (String line : lines) {
      if (!line.isEmpty()) {
        out.append(escaped(line)).append('\n');
      }
    }
    out.append(".fi\n");
  }

  private static String lines(String[] text) {
    return String.join(" ", text);
  }

  /// man(7): a backslash, a hyphen that can be copied, and a line that would begin with a request.
  private static String escaped(String text) {
    String safe = text.replace("\\", "\\e").replace("-", "\\-");
    return safe.startsWith(".") || safe.startsWith("'") ? "\\&" + safe : safe;
  }
}
