package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/encoding/protowire"
)

// host registers as upterm's host does and serves SSH on the streams that the gateway opens. It reads commands on standard
// input, one a line: "forward ID" and "cancel ID" send those requests, "create" asks for one more session, "quit" ends.
func host(args []string) error {
	flags := flag.NewFlagSet("host", flag.ExitOnError)
	server := flags.String("server", "", "ssh://HOST:PORT or ws://HOST:PORT")
	identity := flags.String("identity", "", "private key to sign in with")
	hostKeyFile := flags.String("host-key", "", "private key of the host's own SSH server")
	impersonated := flags.String("impersonate", "", "authorized_keys line to sign in as, with the identity's signature")
	claimed := flags.String("claim", "", "authorized_keys line to register instead of the host key's")
	gateway := flags.String("gateway-key", "", "authorized_keys line: the gateway's host key")
	secret := flags.String("secret", "", "hex: prove the host key, for an id that survives a redial")
	generation := flags.Uint64("generation", 1, "of the registration")
	stale := flags.Bool("stale-proof", false, "sign another connection's id")
	register := flags.Bool("register", true, "create a session and listen for it")
	trusting := flags.Bool("trusting", false, "leave it to the gateway which keys may join")
	var allowed list
	flags.Var(&allowed, "allow", "authorized_keys line of a client; may be repeated")
	_ = flags.Parse(args)

	signer, err := readSigner(*identity)
	if err != nil {
		return err
	}
	if *impersonated != "" {
		keys, err := parseKeys([]string{*impersonated})
		if err != nil {
			return err
		}
		signer = impostor{signer, keys[0]}
	}
	hostKey, err := readSigner(*hostKeyFile)
	if err != nil {
		return err
	}
	clients, err := parseKeys(allowed)
	if err != nil {
		return err
	}
	pinned, err := parseKeys([]string{*gateway})
	if err != nil {
		return err
	}

	conn, err := dial(*server, "ada", "", hostVersion)
	if err != nil {
		return err
	}
	c, channels, requests, err := ssh.NewClientConn(conn, "gateway:22", &ssh.ClientConfig{
		User:              "ada",
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		ClientVersion:     hostVersion,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback:   ssh.FixedHostKey(pinned[0]),
		Timeout:           10 * time.Second,
	})
	if err != nil {
		return err
	}
	connection := ssh.NewClient(c, channels, requests)
	event("connected", map[string]any{"server_version": string(connection.ServerVersion())})
	go func() {
		err := connection.Wait()
		event("disconnected", map[string]any{"reason": errorText(err)})
		os.Exit(3)
	}()

	create := func() (string, error) {
		request := createSession{hostUser: "ada", hostPublicKeys: [][]byte{ssh.MarshalAuthorizedKey(hostKey.PublicKey())}}
		if *claimed != "" {
			request.hostPublicKeys = [][]byte{[]byte(*claimed + "\n")}
		}
		for _, key := range clients {
			request.clientAuthorizedKeys = append(request.clientAuthorizedKeys, ssh.MarshalAuthorizedKey(key))
		}
		if *secret != "" {
			request.secret, _ = hex.DecodeString(*secret)
			request.generation = *generation
			bound := connection.SessionID()
			if *stale {
				bound = make([]byte, len(bound))
			}
			signature, err := hostKey.Sign(rand.Reader, ssh.Marshal(struct {
				Domain          string
				Session, Secret []byte
				Generation      uint64
			}{"upterm-session-v1", bound, request.secret, request.generation}))
			if err != nil {
				return "", err
			}
			request.proof = ssh.Marshal(signature)
		}
		ok, reply, err := connection.SendRequest("upterm-create-session@upterm.dev", true, request.marshal())
		if err != nil {
			return "", err
		}
		if !ok {
			event("refused", map[string]any{"reason": string(reply)})
			return "", nil
		}
		response, err := fields(reply)
		if err != nil {
			return "", err
		}
		id := string(response[1])
		event("created", map[string]any{
			"session": id, "node": string(response[2]), "user": string(response[3]),
			"redial": bytes.Equal(response[4], []byte{1}),
		})
		return id, nil
	}
	serve := func(id string) error {
		listener, err := connection.Listen("unix", id)
		if err != nil {
			return err
		}
		event("ready", map[string]any{"session": id})
		checked := clients
		if *trusting {
			checked = nil
		}
		go serveClients(listener, serverConfig(hostKey, checked, pinned[0]))
		return nil
	}

	if *register {
		id, err := create()
		if err != nil {
			return err
		}
		if id != "" {
			if err := serve(id); err != nil {
				return err
			}
		}
	}
	return obey(connection, create)
}

// impostor signs with one key and claims to have a different one.
type impostor struct {
	ssh.Signer
	key ssh.PublicKey
}

func (i impostor) PublicKey() ssh.PublicKey { return i.key }

func obey(connection *ssh.Client, create func() (string, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, id, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		path := ssh.Marshal(struct{ Path string }{string(id)})
		switch string(verb) {
		case "create":
			if _, err := create(); err != nil {
				return err
			}
		case "forward", "cancel":
			name := map[string]string{
				"forward": "streamlocal-forward@openssh.com",
				"cancel":  "cancel-streamlocal-forward@openssh.com",
			}[string(verb)]
			ok, reply, err := connection.SendRequest(name, true, path)
			if err != nil {
				return err
			}
			event("answer", map[string]any{"ok": ok, "text": string(reply)})
		case "keepalive":
			_, _, err := connection.SendRequest("keepalive@openssh.com", true, nil)
			event("answer", map[string]any{"ok": err == nil, "text": errorText(err)})
		case "channel":
			_, _, err := connection.OpenChannel("session", nil)
			event("answer", map[string]any{"ok": err == nil, "text": errorText(err)})
		case "quit":
			_ = connection.Close()
			return nil
		}
	}
	return nil
}

// serverConfig accepts what upterm's host accepts: user certificates, for the user name and the time, signed by the key that
// they name, which has to be the gateway's (as from 0.34 on). The person's key is the one in the request inside.
func serverConfig(hostKey ssh.Signer, allowed []ssh.PublicKey, gateway ssh.PublicKey) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-upterm-host-server",
		PublicKeyCallback: func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			request, err := checkCertificate(conn.User(), key, gateway)
			if err != nil {
				event("rejected", map[string]any{"reason": err.Error()})
				return nil, err
			}
			person, _, _, _, err := ssh.ParseAuthorizedKey(request[3])
			if err != nil {
				return nil, err
			}
			if !contains(allowed, person) {
				return nil, errors.New("not an allowed key")
			}
			return &ssh.Permissions{Extensions: map[string]string{
				"key": ssh.FingerprintSHA256(person), "client": string(request[1]), "address": string(request[2]),
			}}, nil
		},
	}
	config.AddHostKey(hostKey)
	return config
}

func checkCertificate(user string, key, gateway ssh.PublicKey) (map[protowire.Number][]byte, error) {
	certificate, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("not a certificate")
	}
	if certificate.CertType != ssh.UserCert {
		return nil, errors.New("not a user certificate")
	}
	if err := (&ssh.CertChecker{}).CheckCert(user, certificate); err != nil {
		return nil, err
	}
	if !bytes.Equal(certificate.SignatureKey.Marshal(), gateway.Marshal()) {
		return nil, errors.New("not signed by the gateway")
	}
	life := time.Duration(certificate.ValidBefore-certificate.ValidAfter) * time.Second
	if life > 3*time.Minute {
		return nil, errors.New("valid for too long")
	}
	extension, ok := certificate.Extensions["upterm-auth-request"]
	if !ok {
		return nil, errors.New("no request inside")
	}
	return fields([]byte(extension))
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	if len(keys) == 0 {
		return true
	}
	for _, k := range keys {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

func serveClients(listener net.Listener, config *ssh.ServerConfig) {
	for {
		stream, err := listener.Accept()
		if err != nil {
			return
		}
		go serveClient(stream, config)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
