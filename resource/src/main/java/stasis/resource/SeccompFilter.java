package stasis.resource;

import stasis.linux.abi.Bytes;

/// One filter of seccomp(2).
///
/// @param program `struct sock_filter`s, 8 bytes each, as they were installed
/// @param logged SECCOMP_FILTER_FLAG_LOG (PTRACE_SECCOMP_GET_METADATA shows no other flag)
public record SeccompFilter(Bytes program, boolean logged) {}
