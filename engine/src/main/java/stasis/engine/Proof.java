package stasis.engine;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.tracee.ApartProcess;
import stasis.tracee.Deadline;

/// Has an image restored for real by another process of the engine, in throw-away namespaces, and compared with what
/// was stored. However that ends, nothing of it is left: the process is the first of its pid namespace.
public final class Proof {
  private static final int PAGE_CHECKERS = 4;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final Duration LEAST = Duration.ofSeconds(60);
  /// Of contents that are restored and compared in a second at the least.
  private static final long BYTES_A_SECOND = 32 << 20;
  private static final Duration ASK_EVERY = Duration.ofMillis(50);
  /// What the other process needs beside the copy.
  private static final long OWN_BYTES = 384L << 20;
  private static final long SHOWN = 5;

  /// How to start that process.
  ///
  /// @param words a program's path and its arguments: a JVM that calls [Prover#live]
  public record Command(List<String> words) {
    public Command {
      words = List.copyOf(words);
    }
  }

  private final Command command;
  private final Environment environment;
  private final Moment.Listener listener;

  Proof(Command command, Environment environment, Moment.Listener listener) {
    this.command = command;
    this.environment = environment;
    this.listener = listener;
  }

  /// @param host with the files as they were in the freeze
  /// @return the certificate, encoded
  /// @throws ImageException with what differed, in one sentence
  Bytes of(ImageReader written, HostAtFreeze host) throws ImageException {
    refuseFullMemory(written.pageBytes());
    written.layOut(PAGE_CHECKERS, new java.util.BitSet());
    ProofOrder order = new ProofOrder(environment.engineVersion(), written.metadata(), written.pageBytes(),
        written.pageOffset(), ProofOrder.facts(host.files()), ProofGround.settings());
    try {
      return said(asked(order, written));
    } catch (SyscallException | DecodeException e) {
      throw failed("no copy could be made of it: " + e.getMessage());
    }
  }

  private static Bytes said(ProofAnswer answer) throws ImageException {
    if (answer.certificate().isPresent()) {
      return answer.certificate().get();
    }
    int more = Math.max(0, answer.differences().size() - (int) SHOWN);
    throw failed(String.join("; ", answer.differences().stream().limit(SHOWN).toList())
        + (more == 0 ? "" : "; and " + more + " more"));
  }

  private static ImageException failed(String what) {
    return new ImageException(ImageException.Reason.DAMAGED, "the image was not proved: " + what,
        "the program is as it was; checkpoint without --verify if that may be");
  }

  private ProofAnswer asked(ProofOrder order, ImageReader written) throws SyscallException, DecodeException,
      ImageException {
    Fd orders = Handover.file("stasis-order");
    Fd answers = Handover.file("stasis-answer");
    Fd log = Handover.file("stasis-log");
    Fd pages = open(written.pageFile());
    try (Handover.Ends life = Handover.pipe()) {
      Handover.write(orders.value(), ProofOrder.SCHEMA.encode(order));
      Optional<Integer> status;
      try (ApartProcess process = ApartProcess.start(command.words(), log,
          List.of(orders, pages, answers, life.read()))) {
        status = awaited(process, order.pageBytes());
      }
      Bytes answer = Handover.read(answers.value());
      if (status.isEmpty() || status.get() != 0 || answer.length() == 0) {
        throw failed(status.isEmpty() ? "it took longer than it may" : "its process ended with status " + status.get()
            + lastWords(log));
      }
      return ProofAnswer.SCHEMA.decode(answer, Limits.DEFAULT);
    } finally {
      List.of(orders, answers, log, pages).forEach(Handover::close);
    }
  }

  /// @return how it ended; empty: it did not in time
  private Optional<Integer> awaited(ApartProcess process, long pageBytes) {
    Deadline deadline = Deadline.after(LEAST.plusSeconds(pageBytes / BYTES_A_SECOND));
    Optional<Integer> status = Optional.empty();
    while (status.isEmpty() && !deadline.passed()) {
      listener.at(new Moment.At("proof.waiting"));
      status = process.await(Deadline.after(ASK_EVERY));
    }
    return status;
  }

  private static String lastWords(Fd log) throws SyscallException {
    String text = new String(Handover.read(log.value()).toArray(), StandardCharsets.UTF_8).strip();
    return text.isEmpty() ? "" : ": " + text.lines().limit(SHOWN).reduce((one, two) -> one + " | " + two).orElse("");
  }

  private static Fd open(Path file) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      return new Fd((int) Syscalls.require("open " + file, Nr.OPENAT, AT_FDCWD,
          arena.allocateFrom(file.toString()).address(), O_CLOEXEC));
    }
  }

  /// A copy that does not fit would have the kernel end somebody.
  private static void refuseFullMemory(long pageBytes) throws ImageException {
    Optional<Long> available = MemoryRoom.availableBytes();
    if (available.isPresent() && available.get() < pageBytes + OWN_BYTES) {
      throw failed("a copy needs " + (pageBytes + OWN_BYTES >> 20) + " MiB of memory beside the program, and "
          + (available.get() >> 20) + " MiB are available");
    }
  }
}
