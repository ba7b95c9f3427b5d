// The question before a workspace is no longer shared with an account.

import { api } from "../../../api.ts";
import { Confirm } from "../../../parts/dialog.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { t } from "../../../words.ts";

export interface TakeBackProps {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function TakeBack({ id, name, account, onClose, onDone }: TakeBackProps) {
  return (
    <Confirm
      title={t("Stop sharing {0} with {1}?", name, account)}
      action={t("Take back")}
      danger
      onClose={onClose}
      onConfirm={async () => {
        await api.delete(`/workspaces/${id}/shares/${account}`);
        announce(t("{0} no longer reaches {1}.", account, name));
        onDone();
      }}
    >
      <p>{t("What {0} has open there ends at once.", account)}</p>
    </Confirm>
  );
}
