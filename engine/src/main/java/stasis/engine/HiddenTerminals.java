package stasis.engine;

import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.linux.bpf.KernelTerminal;
import stasis.linux.sys.Self;
import stasis.resource.HiddenTerminal;

/// What the kernel keeps of the pseudoterminals whose masters the engine has copies of.
final class HiddenTerminals {
  private final HiddenKernel kernel;

  HiddenTerminals(HiddenKernel kernel) {
    this.kernel = kernel;
  }

  /// @return empty where BPF is not allowed, and where it is not certain
  Optional<HiddenTerminal> at(int number) {
    try {
      return kernel.terminal(Self.pid(), number).map(terminal ->
          new HiddenTerminal(terminal.output().content().concat(terminal.output().coming()), input(terminal.input()),
              terminal.stopped(), terminal.stoppedByCall()));
    } catch (SyscallException e) {
      // As where BPF is not allowed: the kind refuses what it then cannot see.
      return Optional.empty();
    }
  }

  private static HiddenTerminal.Input input(KernelTerminal.Queue queue) {
    return new HiddenTerminal.Input(queue.content(), queue.ends(), queue.lineBytes(), queue.pushed(),
        queue.literalNext(), queue.echo(), queue.coming());
  }
}
