package main

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

type createSession struct {
	hostUser             string
	hostPublicKeys       [][]byte
	clientAuthorizedKeys [][]byte
	secret               []byte
	generation           uint64
	proof                []byte
}

func (m createSession) marshal() []byte {
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	b = protowire.AppendString(b, m.hostUser)
	for _, key := range m.hostPublicKeys {
		b = protowire.AppendTag(b, 2, protowire.BytesType)
		b = protowire.AppendBytes(b, key)
	}
	for _, key := range m.clientAuthorizedKeys {
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendBytes(b, key)
	}
	if m.proof != nil {
		b = protowire.AppendTag(b, 4, protowire.BytesType)
		b = protowire.AppendBytes(b, m.secret)
		b = protowire.AppendTag(b, 5, protowire.VarintType)
		b = protowire.AppendVarint(b, m.generation)
		b = protowire.AppendTag(b, 6, protowire.BytesType)
		b = protowire.AppendBytes(b, m.proof)
	}
	return b
}

// fields gives the message's last value of each field number.
func fields(b []byte) (map[protowire.Number][]byte, error) {
	values := map[protowire.Number][]byte{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, errors.New("malformed message")
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return nil, errors.New("malformed message")
		}
		if kind == protowire.BytesType {
			values[number], _ = protowire.ConsumeBytes(b)
		} else {
			values[number] = b[:n]
		}
		b = b[n:]
	}
	return values, nil
}

func authRequest(version, address string, key []byte) []byte {
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	b = protowire.AppendString(b, version)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	b = protowire.AppendString(b, address)
	b = protowire.AppendTag(b, 3, protowire.BytesType)
	return protowire.AppendBytes(b, key)
}
