// Assembles what people sign in by: identity providers, and what they are asked afterwards. Started with the gateway, before the API.

import type { Logger } from "pino";
import { PAGES } from "../../protocol/sign-in/pages.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { OfferedSignIn } from "../http/context.ts";
import type { GatewayOptions } from "../program/options.ts";
import type { Store } from "../store/store.ts";
import { Liveness } from "./providers/liveness.ts";
import { openToken } from "./providers/provider-tokens.ts";
import { Providers } from "./providers/providers.ts";
import { loadProviders } from "./providers/settings/load.ts";
import { loadSealer, type Sealer } from "./sealed.ts";

interface IdentityParts {
  readonly options: GatewayOptions;
  readonly store: Store;
  readonly log: Logger;
  readonly publicUrl: () => GatewayUrl;
  /** Whether this process does what only one process of a gateway does. */
  readonly isFirst: boolean;
}

export interface IdentityServices {
  readonly sealer: Sealer;
  readonly providers: Providers;
  readonly liveness: Liveness;
  readonly signInMethods: OfferedSignIn;
  close(): Promise<void>;
}

/** @throws StartError: a file with providers or a secret cannot be used */
export async function startIdentity({
  options,
  store,
  log,
  publicUrl,
  isFirst,
}: IdentityParts): Promise<IdentityServices> {
  const loaded = await loadProviders(options.identity);
  const sealer = await loadSealer(options.dataDir);
  const providers = new Providers(loaded, process.env, log);
  const liveness = new Liveness({ store, sealer, providers, log });
  const deciding = loaded.filter(({ settings }) => settings.adminGroups.length > 0);
  if (isFirst) await store.identities.releaseRoles(deciding.map(({ settings }) => settings.id));
  const watched = isFirst && loaded.length > 0 ? liveness.watch() : undefined;
  return {
    sealer,
    providers,
    liveness,
    signInMethods: {
      providers: () => providers.infos(),
      deviceCodes: options.deviceCodes && options.dashboard,
      endSessionUrl: async (id) => {
        const row = await store.signIns.row(id);
        const provider = providers.get(row?.provider ?? "");
        if (row === undefined || provider === undefined) return null;
        try {
          const idToken = openToken(sealer, row.sealed_id_token);
          return await provider.endSessionUrl(idToken, `${publicUrl()}${PAGES.signIn}`);
        } catch {
          // A provider that cannot be reached must not keep anybody from signing out here.
          return null;
        }
      },
    },
    close: async () => {
      providers.close();
      await watched?.stop();
    },
  };
}
