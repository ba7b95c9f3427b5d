// The fingerprints of a workspace's host keys, to compare with what the machine itself says.

import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { t } from "../../../words.ts";
import { fingerprintOf } from "./fingerprint.ts";

export function HostKeys({ keys }: { readonly keys: readonly string[] }) {
  const prints = useLoad(
    () =>
      Promise.all(keys.map(async (key) => ({ type: key.split(" ", 1)[0], print: await fingerprintOf(key) }))),
    [keys.join("\n")],
  );
  return (
    <section class="panel" aria-labelledby="host-keys">
      <h2 id="host-keys">{t("Host keys")}</h2>
      <p class="muted">
        {t("At the first connection, ssh shows one of these. The host prints it too when it starts.")}
      </p>
      <Loading of={prints}>
        {(list) =>
          list.length === 0 ? (
            <p>{t("The host has shown none yet.")}</p>
          ) : (
            <dl class="facts">
              {list.map(({ type, print }) => (
                <div key={print} class="fact">
                  <dt>{type}</dt>
                  <dd class="code">{print}</dd>
                </div>
              ))}
            </dl>
          )
        }
      </Loading>
    </section>
  );
}
