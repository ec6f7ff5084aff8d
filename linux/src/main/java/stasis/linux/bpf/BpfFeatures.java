package stasis.linux.bpf;

import java.util.List;
import java.util.Optional;

/// What of the hidden state can be read here; for `doctor` and `explain`.
///
/// @param refusal why nothing can be read; empty if it can
/// @param timersRefusal why POSIX timers cannot be; empty if they can
/// @param semUndoRefusal why semaphore adjustments cannot be; empty if they can
/// @param absentFields fields this kernel was built without, as C expressions from task_struct; what they hold is
///     reported as absent
public record BpfFeatures(
    Optional<String> refusal, Optional<String> timersRefusal, Optional<String> semUndoRefusal,
    List<String> absentFields) {
  public BpfFeatures {
    absentFields = List.copyOf(absentFields);
  }

  /// Whether anything can be read.
  public boolean usable() {
    return refusal.isEmpty();
  }

  /// Loads every program once and unloads it again; some milliseconds.
  public static BpfFeatures probe() {
    return switch (HiddenState.open()) {
      case HiddenState.Opened.Ready(HiddenState state) -> {
        try (state) {
          yield state.features();
        }
      }
      case HiddenState.Opened.Unavailable(String reason) ->
          new BpfFeatures(Optional.of(reason), Optional.of(reason), Optional.of(reason), List.of());
    };
  }
}
