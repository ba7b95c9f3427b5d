// Defines `sallyport gateway`: its options, arguments and help. Every option has a variable: SALLYPORT_HTTP
// for --http. Loads nothing of the gateway itself, so that help and completion need not either.

import type { CommandDefinition, OptionDefinition } from "../../protocol/command/definition.ts";
import { choice, DIRECTORY, FILE, integer } from "../../protocol/command/value-types.ts";
import { parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseName } from "../../protocol/values/name.ts";
import { KEY_SOURCES } from "../key-sources/option.ts";
import { ACME_OPTIONS } from "./acme-definition.ts";
import { IDENTITY_OPTIONS } from "./identity-definition.ts";
import { ADDRESS, INVITATION_TIME, LOG_LEVELS, PROXY_ADDRESSES, WORKERS } from "./value-types.ts";

const MAX_COUNT = 9_999_999;

const DATA = {
  type: DIRECTORY,
  description: "database and host keys",
  otherwise: "~/.local/share/sallyport/gateway",
  variable: "SALLYPORT_DATA",
  config: true,
} as const satisfies OptionDefinition;

const JSON_RESULT = {
  description: "print JSON",
  variable: "SALLYPORT_JSON",
} as const satisfies OptionDefinition;

const HTTP = {
  type: ADDRESS,
  description: "API, hosts and tunnels; port 0 takes a free one",
  default: "127.0.0.1:8022",
  variable: "SALLYPORT_HTTP",
  config: true,
} as const satisfies OptionDefinition;

const PUBLIC_URL = {
  type: { hint: "URL", read: (text: string) => parseGatewayUrl(text) },
  description: "the address that clients use, such as https://gateway.example",
  variable: "SALLYPORT_PUBLIC_URL",
  config: true,
} as const satisfies OptionDefinition;

const ownData = { data: DATA, json: JSON_RESULT } as const;

export const definition = {
  name: "gateway",
  summary: "run the server where hosts and companions meet",
  description: `Runs the server where hosts and companions meet.

The first start makes an account named admin and prints its access token once. \`gateway admin-token\` makes one if the first is lost or not wanted (--no-first-token). \`gateway invite admin --sign-in\` prints a link that signs a browser in at the dashboard.`,
  options: {
    http: HTTP,
    ssh: {
      type: ADDRESS,
      description: "SSH: `ssh WORKSPACE@GATEWAY`, `ssh -J GATEWAY WORKSPACE`",
      otherwise: "off",
      variable: "SALLYPORT_SSH",
      config: true,
    },
    "public-ssh": {
      type: ADDRESS,
      description: "where the public reaches the SSH port",
      otherwise: "the public URL's host, and the port that is listened on",
      variable: "SALLYPORT_PUBLIC_SSH",
      config: true,
    },
    "trusted-proxies": {
      type: PROXY_ADDRESSES,
      repeated: "separated",
      description:
        "load balancers in front of the SSH port, whose connections begin with a PROXY header (v1 or v2)",
      variable: "SALLYPORT_TRUSTED_PROXIES",
      config: true,
    },
    "user-ca": {
      type: FILE,
      description: "certificate authorities, one public key per line; principals are account names",
      variable: "SALLYPORT_USER_CA",
      config: true,
    },
    "ssh-idle-timeout": {
      type: integer(0, MAX_COUNT, "S"),
      description: "end SSH connections on which nothing moved for this many seconds",
      otherwise: "never",
      variable: "SALLYPORT_SSH_IDLE_TIMEOUT",
      config: true,
    },
    "ssh-max-session": {
      type: integer(0, MAX_COUNT, "S"),
      description: "end SSH connections this many seconds after sign-in",
      otherwise: "never",
      variable: "SALLYPORT_SSH_MAX_SESSION",
      config: true,
    },
    data: DATA,
    downloads: {
      type: DIRECTORY,
      description: "a release that people install from here: /install.sh, /bin/NAME, /sallyport.vsix",
      otherwise: "off",
      variable: "SALLYPORT_DOWNLOADS",
      config: true,
    },
    "public-url": PUBLIC_URL,
    "tls-cert": {
      type: FILE,
      description: "certificate chain (PEM); read again when it changes",
      variable: "SALLYPORT_TLS_CERT",
      config: true,
    },
    "tls-key": {
      type: FILE,
      description: "its private key (PEM)",
      variable: "SALLYPORT_TLS_KEY",
      config: true,
    },
    "trust-proxy": {
      type: PROXY_ADDRESSES,
      repeated: "separated",
      description: "reverse proxies whose X-Forwarded-For counts: addresses, CIDR ranges, `loopback`",
      variable: "SALLYPORT_TRUST_PROXY",
      config: true,
    },
    open: { description: "hosts may register without an account", variable: "SALLYPORT_OPEN", config: true },
    "no-first-token": {
      description: "the first start makes and prints no access token, which would stay in a container's log",
      variable: "SALLYPORT_NO_FIRST_TOKEN",
      config: true,
    },
    "no-dashboard": {
      description: "no pages for browsers",
      variable: "SALLYPORT_NO_DASHBOARD",
      config: true,
    },
    "no-device-codes": {
      description: "programs cannot sign in by a code that a person types into a page",
      variable: "SALLYPORT_NO_DEVICE_CODES",
      config: true,
    },
    "host-keys-allowed": {
      type: FILE,
      description: "upterm hosts may register, with the keys of this file only",
      variable: "SALLYPORT_HOST_KEYS_ALLOWED",
      config: true,
    },
    "key-sources": {
      type: KEY_SOURCES,
      repeated: "separated",
      description:
        "where people may import their SSH public keys from: `github=URL`, `gitlab=URL`, or `off`; each key still has to be proved",
      otherwise: "github.com and gitlab.com",
      variable: "SALLYPORT_KEY_SOURCES",
      config: true,
    },
    metrics: {
      type: ADDRESS,
      description: "Prometheus metrics at /metrics",
      otherwise: "off",
      variable: "SALLYPORT_METRICS",
      config: true,
    },
    "max-streams": {
      type: integer(1, MAX_COUNT),
      description: "streams that are open at a time",
      default: "10000",
      variable: "SALLYPORT_MAX_STREAMS",
      config: true,
    },
    workers: {
      type: WORKERS,
      description: "processes that share the work, or `auto`: one per core (Linux and macOS)",
      default: "1",
      variable: "SALLYPORT_WORKERS",
      config: true,
    },
    "log-level": {
      type: choice(LOG_LEVELS, "LEVEL"),
      description: `${LOG_LEVELS.join(", ")}; the log is on stderr`,
      default: "info",
      variable: "SALLYPORT_LOG_LEVEL",
      config: true,
    },
    ...ACME_OPTIONS,
    ...IDENTITY_OPTIONS,
    json: {
      description: 'one JSON object per line on stdout, the first one with "event":"ready"',
      variable: "SALLYPORT_JSON",
      config: true,
    },
  },
  examples: [
    "sallyport gateway --http 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem \\",
    "  --public-url https://gateway.example --data /var/lib/sallyport",
    "sallyport gateway --http 0.0.0.0:443 --acme --public-url https://gateway.example",
  ],
  subcommands: {
    "admin-token": {
      name: "gateway admin-token",
      summary: "make a new access token of the first administrator",
      description:
        "Makes a new access token with every scope for the first administrator, and prints it. Works on the data directory itself, whether the gateway runs or not.",
      options: ownData,
      examples: ["sallyport gateway admin-token --data /var/lib/sallyport"],
    },
    backup: {
      name: "gateway backup",
      summary: "write all that the gateway must not lose as a tar archive",
      description:
        "Writes the database as it is at this moment, the host keys, identity.key, and what --acme keeps to stdout, as a tar archive, whether the gateway runs or not. To restore it, unpack it into an empty data directory as the gateway's user, and start the gateway. Keep it like a password: it has the host keys.",
      options: { data: DATA },
      examples: [
        "sallyport gateway backup --data /var/lib/sallyport > sallyport.tar",
        "tar -xf sallyport.tar -C /var/lib/sallyport",
      ],
    },
    health: {
      name: "gateway health",
      summary: "ask the gateway on this machine whether it is ready",
      description:
        "Asks the gateway that listens at the address of --http whether requests should be sent to it (/readyz). Prints nothing, and ends with status 0 if so and 1 if not: for health checks of containers. It does not look at the certificate, which is for the public name; with --acme, a gateway that waits for its first certificate is ready.",
      options: { http: { ...HTTP, description: "where the gateway listens" } },
      examples: ["sallyport gateway health --http 127.0.0.1:443"],
    },
    invite: {
      name: "gateway invite",
      summary: "make a one-use link: for a new account, or to sign in",
      description: `Makes a link that works once, and prints it. For a new name it is an invitation: the person who opens it makes the account, with a passkey. With --sign-in it signs a browser in as an account that exists; that is also how an administrator gets in when nothing else works. Works on the data directory itself, whether the gateway runs or not.`,
      operands: {
        name: {
          type: { hint: "NAME", read: (text: string, name: string) => parseName(text, name) },
          description: "the account's name",
        },
      },
      options: {
        "sign-in": { description: "sign a browser in as this account, which exists" },
        admin: { description: "the new account is an administrator" },
        expires: {
          type: INVITATION_TIME,
          description: "how long the link works, such as 30m or 7d",
          default: "48h",
        },
        "public-url": {
          ...PUBLIC_URL,
          otherwise: "what the gateway that uses the data directory wrote there",
        },
        ...ownData,
      },
      exclusive: [{ options: ["sign-in", "admin"] }],
      examples: ["sallyport gateway invite ana", "sallyport gateway invite admin --sign-in --expires 10m"],
    },
    "host-keys": {
      name: "gateway host-keys",
      summary: "show the gateway's SSH host keys, and replace them",
      description: `Shows the gateway's SSH host keys. They are replaced in two steps, each in effect from the next start on: \`rotate\` makes new ones, which clients learn (UpdateHostKeys, /.well-known/sallyport) while the old ones are still served; \`rotate --activate\`, some weeks later, serves the new ones. \`rotate --forget-former\` then removes the old ones for good.`,
      options: ownData,
      examples: ["sallyport gateway host-keys --data /var/lib/sallyport"],
      subcommands: {
        rotate: {
          name: "gateway host-keys rotate",
          summary: "replace the SSH host keys, one step at a time",
          description: `Makes new SSH host keys, which clients learn while the old ones are still served. Each step is in effect from the gateway's next start on.`,
          options: {
            activate: { description: "serve the new keys that were made some weeks ago" },
            "forget-former": { description: "remove the old keys for good" },
            ...ownData,
          },
          exclusive: [{ options: ["activate", "forget-former"] }],
          examples: ["sallyport gateway host-keys rotate", "sallyport gateway host-keys rotate --activate"],
        },
      },
    },
  },
} as const satisfies CommandDefinition;
