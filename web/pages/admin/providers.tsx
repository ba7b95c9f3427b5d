// Identity providers: what the gateway was told, how each of them is, what has to be registered there, and a test that shows
// what comes from it.

import type { ProviderStatus } from "../../../protocol/sign-in/provider-api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";
import { OnlyAdministrators } from "./only-administrators.tsx";
import { FirstProvider } from "./providers/first-provider.tsx";
import { Provider } from "./providers/provider.tsx";
import { TestResult } from "./providers/test-result.tsx";

export function ProvidersPage({ query }: { readonly query: URLSearchParams }) {
  return (
    <OnlyAdministrators title={t("Identity providers")}>
      <Providers query={query} />
    </OnlyAdministrators>
  );
}

function Providers({ query }: { readonly query: URLSearchParams }) {
  const providers = useLoad((signal) => api.get<ProviderStatus[]>("/admin/providers", { signal }), []);
  const tested = query.get("test");
  const failed = query.get("error");
  return (
    <>
      <PageTitle
        title={t("Identity providers")}
        intro={t(
          "How people sign in with the accounts that their organisation has. Providers are configured where the gateway is started.",
        )}
      />
      {failed !== null && (
        <Notice tone="danger" title={t("The test of {0} failed.", query.get("provider") ?? "")}>
          <p class="muted">{t("Code: {0}", failed)}</p>
        </Notice>
      )}
      {tested !== null && <TestResult key={tested} id={tested} />}
      <Loading of={providers}>
        {(list) =>
          list.length === 0 ? (
            <FirstProvider />
          ) : (
            list.map((provider) => <Provider key={provider.id} provider={provider} />)
          )
        }
      </Loading>
    </>
  );
}
