/// What a statefile says: records whose components carry wire numbers, and the objects they describe.
/// Decoding treats every byte as hostile. May be called by anyone; knows no kernel and no file.
package stasis.image;
