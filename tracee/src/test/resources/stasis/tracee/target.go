// A Go program that checks itself while it is being traced. argv[1]: shared file, words as in target.c.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	fd, err := syscall.Open(os.Args[1], syscall.O_RDWR|syscall.O_CREAT, 0600)
	if err != nil || syscall.Ftruncate(fd, 4096) != nil {
		os.Exit(1)
	}
	page, err := syscall.Mmap(fd, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		os.Exit(1)
	}
	word := func(i int) *int64 { return (*int64)(unsafe.Pointer(&page[i*8])) }
	wrong := func(text string) {
		atomic.AddInt64(word(16), 1)
		copy(page[34*8:], text+"\x00")
	}
	compute := func() [32]byte {
		var digest [32]byte
		for i := 0; i < 300; i++ {
			var n [8]byte
			binary.LittleEndian.PutUint64(n[:], uint64(i))
			digest = sha256.Sum256(append(digest[:], n[:]...))
		}
		return digest
	}
	go func() {
		for {
			began := time.Now()
			time.Sleep(20 * time.Millisecond)
			if time.Since(began) < 20*time.Millisecond {
				wrong("slept too short")
			}
		}
	}()
	items := make(chan int)
	go func() {
		for wanted := 0; ; wanted++ {
			if got := <-items; got != wanted {
				wrong("an item was lost")
			}
		}
	}()
	go func() {
		for {
			garbage := make([][]byte, 100)
			for i := range garbage {
				garbage[i] = make([]byte, 10000)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	expected := compute()
	atomic.StoreInt64(word(0), int64(os.Getpid()))
	for rounds := 0; ; rounds++ {
		if compute() != expected {
			wrong("a computation went wrong")
		}
		items <- rounds
		atomic.StoreInt64(word(8), int64(rounds+1))
	}
}
