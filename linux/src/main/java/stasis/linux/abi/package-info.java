/// Constants, ids and struct records of the kernel's user API. Pure values: no native call, no I/O.
package stasis.linux.abi;
