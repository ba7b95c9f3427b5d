// Makes an access token and shows it once.

import { useState } from "preact/hooks";
import type { CreateAccessToken, CreatedAccessToken } from "../../../../protocol/api.ts";
import { api } from "../../../api.ts";
import { SecretOnce } from "../../../parts/copy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Form, SelectField, TextField } from "../../../parts/form.tsx";
import { type OfferedScope, ScopeBoxes } from "../../../parts/scope-boxes.tsx";
import { session } from "../../../session.ts";
import { duration } from "../../../time.tsx";
import { t } from "../../../words.ts";

const DAYS = ["7", "30", "90", "365", ""] as const;
const OFFERED: readonly OfferedScope[] = ["connect", "host", "account", "admin"];

export interface NewTokenProps {
  readonly onClose: () => void;
  readonly onMade: () => void;
}

export function NewToken({ onClose, onMade }: NewTokenProps) {
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState<readonly OfferedScope[]>(["connect"]);
  const [workspace, setWorkspace] = useState("");
  const [days, setDays] = useState<(typeof DAYS)[number]>("30");
  const [secret, setSecret] = useState<string>();
  const isForHost = chosen.length === 1 && chosen[0] === "host";
  const make = async (): Promise<void> => {
    const { token } = await api.post<CreatedAccessToken>("/tokens", {
      title: title.trim(),
      scopes: [...chosen],
      expiresIn: days === "" ? null : Number(days) * 86_400,
      ...(isForHost && workspace !== "" ? { workspace } : {}),
    } satisfies CreateAccessToken | { workspace: string });
    setSecret(token);
    onMade();
  };
  if (secret !== undefined) {
    return (
      <Dialog title={t("Access token")} onClose={onClose}>
        <SecretOnce label={title.trim()} secret={secret} onStored={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title={t("Create a token")} onClose={onClose}>
      <Form
        submit={t("Create")}
        disabled={title.trim() === "" || chosen.length === 0}
        onSubmit={make}
        onCancel={onClose}
      >
        <TextField
          label={t("What is it for?")}
          name="title"
          value={title}
          onInput={setTitle}
          maxLength={100}
          autofocus
        />
        <ScopeBoxes
          legend={t("It may")}
          offered={OFFERED.filter((scope) => session.value?.scopes.includes(scope))}
          chosen={chosen}
          onChange={setChosen}
          named
        />
        {isForHost && (
          <TextField
            label={t("For which workspace?")}
            name="workspace"
            value={workspace}
            onInput={(text) => setWorkspace(text.trim().toLowerCase())}
            maxLength={40}
            code
            hint={t("Its name. Otherwise the first that it registers.")}
          />
        )}
        <SelectField
          label={t("Valid for")}
          name="expiresIn"
          value={days}
          options={DAYS.map((value) => ({
            value,
            text: value === "" ? t("No end") : duration(Number(value) * 86_400),
          }))}
          onChange={setDays}
        />
      </Form>
    </Dialog>
  );
}
