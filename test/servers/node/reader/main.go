// What runs in the pods of the kubelet suite, and in their sandboxes: without arguments it only waits. Each argument is
// something to read, file:PATH or env:NAME; whenever it is another than before, a line of JSON says so, with a digest.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type line struct {
	At     string `json:"at"`
	What   string `json:"what"`
	Digest string `json:"digest"`
}

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	seen := map[string]string{}
	for {
		for _, what := range os.Args[1:] {
			if digest := digestOf(what); digest != seen[what] {
				seen[what] = digest
				say(what, digest)
			}
		}
		select {
		case <-ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// digestOf tells values apart without telling them; there is a value for what cannot be read, too.
func digestOf(what string) string {
	kind, name, _ := strings.Cut(what, ":")
	value, found := os.LookupEnv(name)
	if kind == "file" {
		content, err := os.ReadFile(name)
		value, found = string(content), err == nil
	}
	if !found {
		return "absent"
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(value)))
}

func say(what, digest string) {
	text, err := json.Marshal(line{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), what, digest})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
