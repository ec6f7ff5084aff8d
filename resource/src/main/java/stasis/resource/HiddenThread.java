package stasis.resource;

import java.util.Optional;

/// Facts about a thread that only the kernel's own memory shows.
///
/// @param ioPorts whether ioperm(2) or iopl(2) gave it ports @param semaphoreUndos entries of its SEM_UNDO list
///     (semop(2)) @param landlocked whether it is under Landlock; empty where that cannot be told
/// @param leadersNamespaces whether it shares all namespaces with its leader, the user namespace aside
public record HiddenThread(boolean ioPorts, int semaphoreUndos, boolean leadersNamespaces,
    Optional<Boolean> landlocked) {}
