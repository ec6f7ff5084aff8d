package stasis.repository;

/// Which image it is, for whoever comes back to it later.
///
/// @param title what it is called, `NAME@K` @param root of its contents, in hexadecimal: no other image has it
public record ImageIdentity(String title, String root) {}
