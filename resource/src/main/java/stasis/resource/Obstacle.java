package stasis.resource;

import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;

/// Why a tree cannot be checkpointed or restored as things are. Collected and shown all at once, never thrown one by
/// one
/// at the user.
public sealed interface Obstacle {
  /// What it is about: `task 4711 (nginx) fd 5 anon_inode:[io_uring]`.
  String subject();

  /// Why, in one sentence.
  String reason();

  /// What the user can do; empty when nothing helps.
  String remedy();

  /// Memory was changed, before it was copied from the running program, in a way that nothing follows: the copy is void,
  /// the program untouched.
  record Overtaken(String subject, String reason) implements Obstacle {
    @Override
    public String remedy() {
      return "try again";
    }
  }

  /// An open file no kind recognises.
  record UnknownFile(Tid task, Fd fd, String link) implements Obstacle {
    @Override
    public String subject() {
      return "task " + task + " fd " + fd + " " + link;
    }

    @Override
    public String reason() {
      return "no kind knows this file";
    }

    @Override
    public String remedy() {
      return "let the program close it before the checkpoint";
    }
  }

  /// A resource that is known, in a state that cannot be carried.
  record Unsupported(String subject, String reason, String remedy) implements Obstacle {}

  /// The restoring host lacks something the statefile needs.
  record HostLacks(String subject, String reason, String remedy) implements Obstacle {}

  /// Something outside the statefile is not what it was.
  record Changed(String subject, String expected, String found, String remedy) implements Obstacle {
    @Override
    public String reason() {
      return "expected " + expected + ", found " + found;
    }
  }

  /// A task ended while it was being looked at.
  record TaskGone(Tid task) implements Obstacle {
    @Override
    public String subject() {
      return "task " + task;
    }

    @Override
    public String reason() {
      return "it ended meanwhile";
    }

    @Override
    public String remedy() {
      return "";
    }
  }

  /// One line for a person.
  default String text() {
    return subject() + ": " + reason() + (remedy().isEmpty() ? "" : "; " + remedy());
  }
}
