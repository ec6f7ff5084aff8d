package stasis.engine;

import java.util.Optional;
import stasis.linux.abi.Tid;

/// What tracking came to in one checkpoint. Lengths in bytes.
///
/// @param since the checkpoint whose pages it refers to; empty: all was read
/// @param readBytes of pages that were read @param keptBytes of pages that were not
/// @param trackedBytes of memory that is tracked from now on
/// @param holder the process that keeps it so, a child of ours
public record TrackReport(Optional<String> since, long readBytes, long keptBytes, long trackedBytes,
    Optional<Tid> holder) {}
