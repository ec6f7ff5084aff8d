package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import stasis.linux.abi.Tid;

/// What a checkpoint is asked to do.
///
/// @param root leader of the thread group @param image folder the statefile goes to
/// @param leaveRunning let the program go on instead of ending it
/// @param strict refuse what could only be carried approximately @param force replace an image that is there
/// @param maxFreeze give up, with the program untouched, when it would have to stand still longer
public record CheckpointRequest(Tid root, Path image, boolean leaveRunning, boolean strict, boolean force,
    Optional<Duration> maxFreeze) {}
