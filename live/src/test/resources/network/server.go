package main

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
)

func main() {
	var count int64
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(answer, "%s %d", request.URL.Path, atomic.AddInt64(&count, 1))
		if request.URL.Path == "/end" {
			answer.(http.Flusher).Flush()
			os.Exit(0)
		}
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
