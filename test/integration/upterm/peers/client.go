package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

// client joins a session, runs one command with its own standard streams, and exits with its status. It can also try what a
// gateway must not fall for: a certificate that it signed itself, and one that somebody else's key signed for its own.
func client(args []string) error {
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	server := flags.String("server", "", "ssh://HOST:PORT or ws://HOST:PORT")
	user := flags.String("user", "", "session, and what may stand behind it")
	node := flags.String("node", "", "password of the WebSocket's credentials")
	identity := flags.String("identity", "", "private key")
	gateway := flags.String("gateway-key", "", "authorized_keys line: the gateway's host key")
	forged := flags.String("forge", "", "authorized_keys line to name in a certificate of our own")
	authority := flags.String("authority", "", "private key that signs a certificate for ours")
	request := flags.String("request", "", "global request to send first; its payload comes back in the reply")
	_ = flags.Parse(args)

	signer, err := readSigner(*identity)
	if err != nil {
		return err
	}
	pinned, err := parseKeys([]string{*gateway})
	if err != nil {
		return err
	}
	if *forged != "" || *authority != "" {
		by := signer
		if *authority != "" {
			if by, err = readSigner(*authority); err != nil {
				return err
			}
		}
		if signer, err = certified(signer, by, *user, *forged); err != nil {
			return err
		}
	}
	conn, err := dial(*server, *user, *node, clientVersion)
	if err != nil {
		return err
	}
	c, channels, requests, err := ssh.NewClientConn(conn, "gateway:22", &ssh.ClientConfig{
		User:              *user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback:   ssh.FixedHostKey(pinned[0]),
		Timeout:           10 * time.Second,
	})
	if err != nil {
		return err
	}
	connection := ssh.NewClient(c, channels, requests)
	if *request != "" {
		ok, reply, err := connection.SendRequest(*request, true, []byte("payload"))
		if err != nil || !ok || string(reply) != "payload" {
			return errors.New("the request did not pass")
		}
	}
	session, err := connection.NewSession()
	if err != nil {
		return err
	}
	session.Stdin, session.Stdout, session.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = session.Run(flags.Arg(0))
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitStatus())
	}
	return err
}

func certified(signer, by ssh.Signer, user, named string) (ssh.Signer, error) {
	now := time.Now()
	certificate := &ssh.Certificate{
		Key:             signer.PublicKey(),
		CertType:        ssh.UserCert,
		KeyId:           "forged",
		ValidPrincipals: []string{user},
		ValidAfter:      uint64(now.Add(-time.Minute).Unix()),
		ValidBefore:     uint64(now.Add(time.Minute).Unix()),
	}
	if named != "" {
		request := authRequest(clientVersion, "192.0.2.1:1", []byte(named+"\n"))
		certificate.Extensions = map[string]string{"upterm-auth-request": string(request)}
	}
	if err := certificate.SignCert(rand.Reader, by); err != nil {
		return nil, err
	}
	return ssh.NewCertSigner(certificate, signer)
}
