package stasis.repository;

import stasis.linux.abi.Bytes;

/// An image that lies where a new one is to go.
///
/// @param metadata of its statefile @param pageBytes length of its page section
public record EarlierImage(Bytes metadata, long pageBytes, EarlierPages pages) {}
