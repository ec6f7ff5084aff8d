/// The only downcalls of the project: raw syscall(2) and the memory it reads and writes.
/// Visible to `tracee` and `engine` alone.
package stasis.linux.sys;
