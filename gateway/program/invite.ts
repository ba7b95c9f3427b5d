// `sallyport gateway invite`: a one-use link for a new account, or for signing in to one that exists. It works on the data
// directory itself, so that those who run the server can always get in.

import type { Input } from "../../protocol/command/run.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { Name } from "../../protocol/values/name.ts";
import { keepsCookies } from "../identity/browser-session/browser-session.ts";
import { linkOf } from "../identity/invitations/opened.ts";
import { takesPasskeys } from "../identity/passkeys/relying-party.ts";
import type { Store } from "../store/store.ts";
import type { definition } from "./definition.ts";
import { readPublicUrl } from "./public-url-file.ts";
import { StartError } from "./start-error.ts";

type InviteInput = Input<(typeof definition)["subcommands"]["invite"]>;

/** As the creator of an invitation; no account can have this name. */
const CREATOR = "the server's command line";

interface Invited {
  readonly name: Name;
  readonly kind: "account" | "sign-in";
  readonly admin: boolean;
  readonly link: string;
  readonly expiresAt: string;
}

/** @throws UsageError; StartError stage `file`; ProtocolError limit_reached, account_disabled */
export async function invite(
  store: Store,
  dataDir: string,
  { options, operands }: InviteInput,
): Promise<Invited> {
  const { name } = operands;
  const { admin, expires, "sign-in": signIn } = options;
  const publicUrl = options["public-url"] ?? (await readPublicUrl(dataDir));
  if (publicUrl === undefined) {
    throw new StartError(
      "file",
      "The gateway's address is not known here: start it once, or give --public-url.",
    );
  }
  if ((await store.accounts.byName(name)) === undefined) {
    if (signIn)
      throw new StartError("file", `There is no account ${name}: leave out --sign-in to invite it.`);
  } else if (!signIn) {
    throw new StartError(
      "file",
      `There is an account ${name} already: --sign-in makes a link that signs it in.`,
    );
  }
  requireUsable(publicUrl, signIn);
  const kind = signIn ? "sign-in" : "account";
  const { code, info } = await store.invitations.create(
    { kind, name, admin, expiresInSeconds: expires, creator: null },
    { account: CREATOR },
  );
  return { name, kind, admin: info.admin, link: linkOf(publicUrl, code), expiresAt: info.expiresAt };
}

/** The gateway would refuse the link later, when nobody is there who could change its options. @throws StartError */
function requireUsable(publicUrl: GatewayUrl, signIn: boolean): void {
  if (!keepsCookies({ publicUrl: () => publicUrl })) {
    throw new StartError(
      "file",
      `Browsers sign in over https only, and the gateway's --public-url is ${publicUrl}: give it a certificate (--acme, or --tls-cert and --tls-key).`,
    );
  }
  if (signIn || takesPasskeys(publicUrl)) return;
  throw new StartError(
    "file",
    `A new account gets a passkey, which needs a host name, and the gateway's --public-url is ${publicUrl}: start it with --public-url https://NAME, or http://localhost:PORT on this machine.`,
  );
}

export function inviteText({ name, kind, admin, link, expiresAt }: Invited): string {
  const what =
    kind === "sign-in"
      ? `signs a browser in as ${name}`
      : `makes the account ${name}${admin ? ", an administrator," : ""} with a passkey`;
  return `This link ${what}. It works once, until ${expiresAt}:\n${link}\n`;
}
