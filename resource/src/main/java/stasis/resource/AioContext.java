package stasis.resource;

import stasis.linux.abi.RemoteAddress;

/// A context for asynchronous I/O (io_setup(2)) of a frozen mm.
///
/// @param ring its id, which is where its ring is mapped @param events slots of the ring
/// @param inFlight requests that were begun and had not completed when they had been waited for
public record AioContext(RemoteAddress ring, int events, int inFlight) {}
