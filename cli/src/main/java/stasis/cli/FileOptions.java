package stasis.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import stasis.engine.FilePolicy;

/// What a restore may do to files of the host that the image has copies of.
final class FileOptions {
  @Option(names = "--files", paramLabel = "refuse|restore-missing|rollback", description = "Files that checkpoint"
      + " --embed-files took along and that are not here, or others: refuse (default), put back what is not here, or"
      + " put back all and keep what is there beside it, as NAME.stasis-newer-1.")
  private String files = "refuse";

  FilePolicy policy(CommandSpec spec) {
    return switch (files) {
      case "refuse" -> FilePolicy.REFUSE;
      case "restore-missing" -> FilePolicy.RESTORE_MISSING;
      case "rollback" -> FilePolicy.ROLLBACK;
      default -> throw new ParameterException(spec.commandLine(),
          "--files is refuse, restore-missing or rollback, not " + files);
    };
  }
}
