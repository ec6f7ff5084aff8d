package stasis.engine;

import java.nio.file.Path;

/// What a restore is asked to do.
///
/// @param image folder or statefile @param dryRun plan only
public record RestoreRequest(Path image, boolean dryRun) {}
