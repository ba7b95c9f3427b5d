// An SSH client that shares no code with Sallyport: signs in, sends stdin through a command, prints what comes back, and
// reports on stderr, as one line of JSON, which algorithms were agreed on.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

func main() {
	address := flag.String("address", "", "host:port")
	user := flag.String("user", "someone", "user name")
	keyFile := flag.String("key", "", "private key file")
	hostKeyFile := flag.String("host-key", "", "public key file of the only host key that is accepted")
	kex := flag.String("kex", "mlkem768x25519-sha256", "the only key exchange")
	cipher := flag.String("cipher", "", "the only cipher; empty: the default ones")
	rekey := flag.Uint64("rekey", 0, "bytes between key exchanges")
	command := flag.String("command", "cat", "what to run")
	signal := flag.String("signal", "", "sent right behind the command: TERM, INT …")
	flag.Parse()

	key, err := os.ReadFile(*keyFile)
	must(err)
	signer, err := ssh.ParsePrivateKey(key)
	must(err)
	line, err := os.ReadFile(*hostKeyFile)
	must(err)
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey(line)
	must(err)

	config := &ssh.ClientConfig{
		User:            *user,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(hostKey),
		Timeout:         10 * time.Second,
	}
	config.KeyExchanges = []string{*kex}
	config.RekeyThreshold = *rekey
	if *cipher != "" {
		config.Ciphers = []string{*cipher}
	}
	client, err := ssh.Dial("tcp", *address, config)
	must(err)
	if about, ok := client.Conn.(ssh.AlgorithmsConnMetadata); ok {
		must(json.NewEncoder(os.Stderr).Encode(map[string]string{
			"kex":    about.Algorithms().KeyExchange,
			"cipher": about.Algorithms().Write.Cipher,
		}))
	}
	session, err := client.NewSession()
	must(err)
	stdin, err := session.StdinPipe()
	must(err)
	session.Stdout = os.Stdout
	session.Stderr = os.Stderr
	must(session.Start(*command))
	if *signal != "" {
		must(session.Signal(ssh.Signal(*signal)))
	}
	_, err = io.Copy(stdin, os.Stdin)
	must(err)
	must(stdin.Close())
	must(session.Wait())
	must(client.Close())
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
