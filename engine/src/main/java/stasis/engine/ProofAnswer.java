package stasis.engine;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;

/// What the process that made the copy says.
///
/// @param certificate encoded; present when all is as it was @param differences sentences; else at least one
record ProofAnswer(@Tag(1) Optional<Bytes> certificate, @Tag(2) List<String> differences) {
  static final Schema<ProofAnswer> SCHEMA = Schema.of(MethodHandles.lookup(), ProofAnswer.class, "proof.answer", 1);

  static ProofAnswer of(List<String> differences) {
    return new ProofAnswer(Optional.empty(), List.copyOf(differences));
  }
}
