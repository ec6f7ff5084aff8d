package stasis.resource;

import stasis.linux.abi.RemoteAddress;

/// PR_SET_SYSCALL_USER_DISPATCH that is on.
///
/// @param selector the byte that says whether calls are dispatched now
/// @param offset start and @param lengthBytes length of the code whose calls never are
public record UserDispatch(RemoteAddress selector, RemoteAddress offset, long lengthBytes) {}
