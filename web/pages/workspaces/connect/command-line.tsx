// Connects with the program `sallyport`, which also works where a network lets only HTTPS through.

import { CopyField } from "../../../parts/copy.tsx";
import { t } from "../../../words.ts";
import { refOf } from "../workspace-ref.ts";
import type { WayProps } from "./way.ts";

export function CommandLine({ workspace, gateway }: WayProps) {
  const { publicUrl } = gateway;
  return (
    <>
      <p>{t("Encrypted from end to end, over HTTPS: this works where a network blocks SSH.")}</p>
      {gateway.capabilities.includes("downloads") && (
        <CopyField
          label={t("Install it, once on each of your machines")}
          value={`curl -fsSL ${publicUrl}/install.sh | sh`}
        />
      )}
      <CopyField label={t("Sign in, once")} value={`sallyport login ${publicUrl}`} />
      <CopyField label={t("Open a terminal")} value={`sallyport ssh ${refOf(workspace)}`} />
      <CopyField label={t("Set up ssh, scp, rsync and every editor")} value="sallyport config-ssh" />
    </>
  );
}
