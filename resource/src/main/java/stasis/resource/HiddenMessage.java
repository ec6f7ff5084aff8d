package stasis.resource;

import stasis.linux.abi.Bytes;

/// A message that waits in a POSIX message queue.
public record HiddenMessage(int priority, Bytes text) {}
