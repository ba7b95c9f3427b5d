// The options that the gateway was started with, to read. They are changed where it is started.

import type { Settings } from "../../../protocol/admin-api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { Table } from "../../parts/table.tsx";
import { t } from "../../words.ts";
import { OnlyAdministrators } from "./only-administrators.tsx";

export function SettingsPage() {
  return (
    <OnlyAdministrators title={t("Settings")}>
      <SettingsOfGateway />
    </OnlyAdministrators>
  );
}

function SettingsOfGateway() {
  const settings = useLoad((signal) => api.get<Settings>("/admin/settings", { signal }), []);
  return (
    <>
      <PageTitle
        title={t("Settings")}
        intro={t(
          "The options that this gateway runs with. They are changed where it is started: its command line, its environment or its service. Secrets are not shown.",
        )}
      />
      <Loading of={settings}>
        {({ settings: list }) => (
          <Table
            caption={t("Settings")}
            hideCaption
            rows={list}
            rowKey={({ option }) => option}
            columns={[
              {
                title: t("Option"),
                kind: "main",
                cell: ({ option }) => <span class="code option">{option}</span>,
              },
              {
                title: t("Value"),
                cell: ({ value }) =>
                  value === null ? (
                    <span class="muted">{t("not set")}</span>
                  ) : (
                    <span class="code">{value}</span>
                  ),
              },
              { title: t("What it is for"), cell: ({ summary }) => <span class="muted">{summary}</span> },
            ]}
          />
        )}
      </Loading>
    </>
  );
}
