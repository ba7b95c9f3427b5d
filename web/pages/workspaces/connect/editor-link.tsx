// Opens the workspace in an editor on this machine that has the extension.

import { Menu } from "../../../parts/menu.tsx";
import { t } from "../../../words.ts";
import { refOf } from "../workspace-ref.ts";
import { connectUrl, EDITORS } from "./addresses.ts";
import type { WayProps } from "./way.ts";

export function EditorLink({ workspace, gateway }: WayProps) {
  const [[scheme, name], ...others] = EDITORS;
  const url = (of: string): string => connectUrl(gateway.publicUrl, refOf(workspace), of);
  return (
    <>
      <p>{t("Your editor opens and connects. It asks you to sign in here first if it has not yet.")}</p>
      <div class="actions">
        <a class="button primary" href={url(scheme)}>
          {t("Open in {0}", name)}
        </a>
        <Menu
          label={t("Other editors")}
          items={others.map(([other, title]) => ({
            text: t("Open in {0}", title),
            onSelect: () => location.assign(url(other)),
          }))}
        />
      </div>
      {gateway.capabilities.includes("downloads") ? (
        <p class="muted">
          {t("Nothing happens? The editor needs the extension “Sallyport”:")}{" "}
          <a href={`${gateway.publicUrl}/sallyport.vsix`}>{t("Download the extension")}</a>
        </p>
      ) : (
        <p class="muted">{t("Nothing happens? The editor needs the extension “Sallyport”.")}</p>
      )}
    </>
  );
}
