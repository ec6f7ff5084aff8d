/// What is known of sockets beyond their file: sock_diag(7), and queues read without taking anything from them.
package stasis.linux.socket;
