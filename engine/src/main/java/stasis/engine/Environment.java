package stasis.engine;

import java.util.function.LongSupplier;
import stasis.procfs.Proc;

/// What the engine must be told rather than ask for: clocks, names, where /proc is.
///
/// @param monotonicNs CLOCK_MONOTONIC @param boottimeNs CLOCK_BOOTTIME @param realtimeNs CLOCK_REALTIME
/// @param kernelRelease uname -r @param bootId /proc/sys/kernel/random/boot_id
public record Environment(Proc proc, LongSupplier monotonicNs, LongSupplier boottimeNs, LongSupplier realtimeNs,
    String kernelRelease, String bootId, String hostName, String engineVersion) {}
