package stasis.tracee.stub;

import stasis.linux.abi.Tid;

/// A task made by a [Batch#birth]: our tracee, stopped before its first instruction.
///
/// @param entry index of the birth in its batch @param tid as the engine sees it @param pid as its parent sees it
public record Newborn(int entry, Tid tid, int pid) {}
