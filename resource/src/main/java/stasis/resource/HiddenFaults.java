package stasis.resource;

/// What only the kernel's own memory shows of a userfaultfd.
///
/// @param userModeOnly faults of the kernel itself are not for it @param ofHolder it watches the memory of the process
///     that has it first
public record HiddenFaults(boolean userModeOnly, boolean ofHolder) {}
