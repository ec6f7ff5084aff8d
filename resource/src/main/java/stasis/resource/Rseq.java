package stasis.resource;

import stasis.linux.abi.RemoteAddress;

/// A thread's registration with rseq(2). The area's contents are the task's memory; its `rseq_cs` field is written back
/// by the engine, last, because registering clears it.
///
/// @param signature the word before each abort handler
public record Rseq(RemoteAddress area, int sizeBytes, int signature) {}
