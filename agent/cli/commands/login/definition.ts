// Defines `sallyport login`: its options, arguments and help.

import { UsageError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { choice, FILE } from "../../../../protocol/command/value-types.ts";
import { OAUTH_SCOPES } from "../../../../protocol/sign-in/oauth.ts";
import { tokenKind } from "../../../../protocol/values/token.ts";
import { GATEWAY_OPERAND, JSON_OUTPUT, NETWORK_OPTIONS, ONE_PROXY, VERBOSE } from "../../shared-options.ts";
import { GATEWAY } from "../../value-types.ts";

export const definition = {
  name: "login",
  summary: "sign in at a gateway",
  description: `Signs in at a gateway. Your browser opens, where you sign in as at any other site and say what this machine may do. Where there is no browser, as over SSH, a short code is shown instead: enter it on any other device. The sign-in is renewed by itself until it is ended, or not used for 60 days.

A gateway that does not offer this, and every one with --with-token, takes an access token (spt_…) that the gateway printed at its first start, or that \`sallyport token create\` made. It is asked for without echo, or read from standard input, from a file, or from SALLYPORT_TOKEN where SALLYPORT_GATEWAY names this gateway; never from the command line, which every user of a machine can see.

What was got is kept in the system's keychain, or in a private file where there is none.`,
  operands: {
    gateway: {
      ...GATEWAY_OPERAND,
      type: {
        ...GATEWAY,
        read(text: string, name: string) {
          if (tokenKind(text) === undefined) return GATEWAY.read(text, name);
          throw new UsageError(
            "A token has no place on the command line, and now it is in your shell's history: revoke it, or clear that.",
          );
        },
      },
    },
  },
  options: {
    token: {
      description: "",
      refused:
        "A token on the command line can be seen by every user of this machine: give it at the prompt, on standard input, " +
        "by --token-file, or in SALLYPORT_TOKEN.",
    },
    browser: { description: "sign in with the browser of this machine, also where none seems to be there" },
    device: { description: "show a code to enter on any other device" },
    "with-token": { description: "sign in with an access token" },
    "token-file": { type: FILE, description: "read the token from FILE; `-` is standard input" },
    scopes: {
      type: choice(OAUTH_SCOPES, "SCOPE"),
      repeated: "separated",
      description: `what to ask for: ${OAUTH_SCOPES.join(", ")}; separate them by commas. The page lets you give less`,
      otherwise: "all of them",
    },
    "allow-plain-http": {
      description: "accept that the token crosses the network unencrypted to an http:// gateway",
    },
    json: { ...JSON_OUTPUT, description: "print what happens as JSON, one object a line" },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY, { options: ["browser", "device", "with-token", "token-file"] }],
  variables: {
    SALLYPORT_TOKEN: "the access token, where SALLYPORT_GATEWAY names this gateway",
    SALLYPORT_TOKEN_FILE: "a file that holds it",
    BROWSER: "the program that opens pages, with `%s` for the URL",
    SALLYPORT_KEYCHAIN: "`off` keeps tokens in a private file instead of the system's keychain",
  },
  examples: [
    "sallyport login https://gateway.example",
    "sallyport login https://gateway.example --device",
    "sallyport login https://gateway.example --token-file token",
  ],
} as const satisfies CommandDefinition;
