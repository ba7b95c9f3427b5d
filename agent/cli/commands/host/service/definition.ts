// Defines `sallyport host install-service`, `uninstall-service` and `service-status`.

import type { CommandDefinition } from "../../../../../protocol/command/definition.ts";
import { choice, text } from "../../../../../protocol/command/value-types.ts";
import { MANAGERS } from "../../../../host/service/manager.ts";
import { JSON_OUTPUT, ONE_PROXY } from "../../../shared-options.ts";
import { HOST_OPTIONS } from "../host-options.ts";

/** What tells one service of this machine from another. */
const WHICH = {
  system: {
    description: "a service of the whole machine, which starts with it; root's services always are",
  },
  manager: {
    type: choice(MANAGERS, "NAME"),
    description: MANAGERS.join(", "),
    otherwise: "the one that runs here",
  },
} as const satisfies CommandDefinition["options"];

const YES = { description: "do not ask" } as const;

const { token, json: _json, ...KEPT } = HOST_OPTIONS;

export const SERVICE_SUBCOMMANDS = {
  "install-service": {
    name: "host install-service",
    summary: "run the host in the background, now and after every start of the machine",
    description: `Makes a service of \`sallyport host\`: shows its file, asks, writes it, starts it, and waits until the workspace is online. A second time, it replaces the service by one with the options of that time.

The service is one of your account's, run by systemd or launchd, and needs no root; with --system, or as root, it is one of the whole machine (systemd, OpenRC, launchd). The options of \`sallyport host\` become those of the service; the configuration file keeps counting. The token is never part of the service: keep it in a file that only its owner can read, and name that with --token-file.

On a machine with systemd, services of an account end when its last session does, unless the account lingers (\`loginctl enable-linger\`), which is asked for separately.`,
    usage: "--gateway URL [options]",
    options: {
      ...WHICH,
      user: {
        type: text("ACCOUNT"),
        description: "with --system: the account that the host and all sessions run as",
        otherwise: "root",
      },
      linger: { description: "keep the account's services running while nobody is signed in (systemd)" },
      yes: YES,
      token: {
        // With its type: otherwise `sallyport host --token X` would take X for a subcommand.
        ...token,
        refused:
          "A service's command line can be read by everyone on this machine, so it takes no --token: put the token into a file (chmod 600) and pass --token-file FILE.",
      },
      ...KEPT,
    },
    exclusive: [{ options: ["token-file", "open"] }, ONE_PROXY],
    variables: {
      SALLYPORT_ALLOW_PLAIN_HTTP: "`1` has the effect of --allow-plain-http",
      SALLYPORT_PROXY_FILE: "a file with a proxy's address, which the service is told of",
    },
    examples: [
      "sallyport host install-service --gateway https://gateway.example --token-file ~/.config/sallyport/host-token",
      "sudo sallyport host install-service --system --user ada --gateway https://gateway.example \\",
      "  --token-file /etc/sallyport/host-token",
    ],
  },
  "uninstall-service": {
    name: "host uninstall-service",
    summary: "stop the service and remove it",
    description:
      "Stops the service and removes its file, and no other file than those that `install-service` has written. The host's keys and its id stay, so that it is the same workspace when it runs again; so does what people have left running in it.",
    options: { ...WHICH, yes: YES },
    examples: ["sallyport host uninstall-service"],
  },
  "service-status": {
    name: "host service-status",
    summary: "show whether the service runs, and which version",
    description:
      "Shows what the service manager says of the service, whether the workspace is online, and which version runs and which is installed. Exits with 0 if the host runs and is online, else with 1.",
    options: { ...WHICH, json: JSON_OUTPUT },
    examples: ["sallyport host service-status"],
  },
} as const satisfies Readonly<Record<string, CommandDefinition>>;
