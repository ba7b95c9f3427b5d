// When and from where something was last used.

import { Time } from "../../time.tsx";

interface Used {
  readonly lastUsedAt?: string | null;
  readonly lastUsedFrom?: string | null;
}

export function LastUse({ of: { lastUsedAt = null, lastUsedFrom } }: { readonly of: Used }) {
  return (
    <>
      <Time at={lastUsedAt} />
      {lastUsedAt !== null && lastUsedFrom && <div class="code muted small">{lastUsedFrom}</div>}
    </>
  );
}
