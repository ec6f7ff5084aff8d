package stasis.engine;

/// What an image took along.
///
/// @param files names @param contentBytes of their contents, holes not counted
/// @param copiedBytes what of them was copied in the freeze, because the program goes on writing to it
/// @param clonedBytes what the file system shared in the freeze instead (FICLONE)
public record EmbedReport(int files, long contentBytes, long copiedBytes, long clonedBytes) {}
