// A key that opens nothing until its holder proves it, and how to do that.

import type { PendingKey } from "../../../../protocol/api.ts";
import { discover } from "../../../discovery.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { CopyField } from "../../../parts/copy.tsx";
import { exact } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { sshCommand } from "../../workspaces/connect/addresses.ts";

/** The SSH user name for proofs: protocol/key-proof.ts. */
const PROVE_USER = "prove+key";

export interface PendingProps {
  readonly pending: PendingKey;
  readonly onRemove: () => void;
}

export function Pending({ pending: { title, fingerprint, expiresAt, code }, onRemove }: PendingProps) {
  const gateway = useLoad(() => discover(), []);
  return (
    <section class="panel pending">
      <div class="panel-head">
        <h2>
          {t("Prove this key:")} <bdi>{title}</bdi>
        </h2>
        <button type="button" onClick={onRemove}>
          {t("Remove")}
        </button>
      </div>
      <p class="code muted wrap">{fingerprint}</p>
      <p>{t("It opens nothing until the machine that holds its private half has shown so.")}</p>
      <Loading of={gateway}>
        {({ ssh, publicUrl }) =>
          ssh === null ? (
            <>
              <CopyField label={t("Run this there")} value={`sallyport login ${publicUrl}`} />
              <CopyField label={t("Then this, with the key's file")} value="sallyport keys add FILE.pub" />
            </>
          ) : (
            <>
              <CopyField label={t("Run this there")} value={sshCommand(ssh, PROVE_USER)} />
              <CopyField label={t("Enter this code when it asks")} value={code} />
            </>
          )
        }
      </Loading>
      <p class="muted">
        {t("This page notices by itself when it is done. The key waits until {0}.", exact(expiresAt))}
      </p>
    </section>
  );
}
