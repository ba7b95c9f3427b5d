// Peers for the tests of the gateway's upterm side, written against golang.org/x/crypto alone: a host that registers and
// serves, a client that joins, and a proxy between standard streams and a WebSocket. They print one JSON object a line.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

const (
	hostVersion   = "SSH-2.0-upterm-host-client"
	clientVersion = "SSH-2.0-upterm-client-client"
)

func main() {
	commands := map[string]func([]string) error{"host": host, "client": client, "proxy": proxy}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fail(fmt.Errorf("usage: peers host|client|proxy"))
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

var output sync.Mutex

func event(name string, fields map[string]any) {
	output.Lock()
	defer output.Unlock()
	fields["event"] = name
	_ = json.NewEncoder(os.Stdout).Encode(fields)
}

func readSigner(path string) (ssh.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(data)
}

func parseKeys(lines []string) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	for _, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return fmt.Sprint([]string(*l)) }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}
