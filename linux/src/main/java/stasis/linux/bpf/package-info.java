/// What the kernel knows of a task and shows through no file or call, read without stopping or touching the task: a
/// BPF task iterator (bpf(2), `BPF_PROG_TYPE_TRACING` on `iter/task`) copies fields whose places are taken from the
/// kernel's own type information (`/sys/kernel/btf/vmlinux`). No library, no helper program, no address guessed.
///
/// [stasis.linux.bpf.HiddenState] is the door: it says why, in words, when the kernel lacks this or does not allow it.
/// Everything here only reads. A field the running kernel does not have is an empty `Optional`, never a zero.
package stasis.linux.bpf;
