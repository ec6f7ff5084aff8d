/// Talking to other processes of this host: FIFOs, unix sockets, copies of their descriptors.
package stasis.linux.peer;
