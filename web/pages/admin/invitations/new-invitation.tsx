// The dialog that makes an invitation and then shows its link, once.

import { useState } from "preact/hooks";
import type {
  CreatedInvitation,
  CreateInvitation,
  InvitationKind,
} from "../../../../protocol/sign-in/api.ts";
import { api } from "../../../api.ts";
import { SecretOnce } from "../../../parts/copy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Checkbox, Form, SelectField, TextField } from "../../../parts/form.tsx";
import { duration, exact } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { kindWords } from "./kinds.ts";

const KINDS = ["account", "sign-in", "identity"] as const satisfies readonly InvitationKind[];
const HOUR = 3_600;
const LIFETIMES = [HOUR, 24 * HOUR, 48 * HOUR, 7 * 24 * HOUR].map(String);

export interface NewInvitationProps {
  readonly onClose: () => void;
  readonly onMade: () => void;
}

export function NewInvitation({ onClose, onMade }: NewInvitationProps) {
  const [kind, setKind] = useState<InvitationKind>("account");
  const [name, setName] = useState("");
  const [admin, setAdmin] = useState(false);
  const [lifetime, setLifetime] = useState(String(48 * HOUR));
  const [made, setMade] = useState<CreatedInvitation>();
  const forNew = kind === "account";
  const make = async (): Promise<void> => {
    const trimmed = name.trim();
    const body: CreateInvitation = {
      kind,
      ...(trimmed === "" ? {} : { name: trimmed }),
      ...(forNew && admin ? { admin } : {}),
      expiresIn: Number(lifetime),
    };
    setMade(await api.post<CreatedInvitation>("/invitations", body));
    onMade();
  };
  return (
    <Dialog title={made === undefined ? t("New invitation") : t("Send this link")} onClose={onClose}>
      {made !== undefined ? (
        <>
          <p>
            {t(
              "It works once, until {0}. Send it where only this person reads it.",
              exact(made.info.expiresAt),
            )}
          </p>
          <SecretOnce label={t("Link")} secret={made.link} onStored={onClose} />
        </>
      ) : (
        <Form
          submit={t("Make the link")}
          disabled={!forNew && name.trim() === ""}
          onSubmit={make}
          onCancel={onClose}
        >
          <SelectField
            label={t("What it is for")}
            name="kind"
            value={kind}
            hint={kindWords()[kind].what}
            options={KINDS.map((value) => ({ value, text: kindWords()[value].title }))}
            onChange={setKind}
          />
          <TextField
            label={forNew ? t("Name of the account (may stay empty)") : t("Name of the account")}
            name="name"
            value={name}
            onInput={setName}
            maxLength={40}
            code
            hint={forNew ? t("Empty: the person chooses it.") : undefined}
          />
          {forNew && (
            <Checkbox
              label={t("Make an administrator")}
              hint={t("They can then freeze people, delete workspaces and make other administrators.")}
              checked={admin}
              onChange={setAdmin}
            />
          )}
          <SelectField
            label={t("Works for")}
            name="expiresIn"
            value={lifetime}
            options={LIFETIMES.map((value) => ({ value, text: duration(Number(value)) }))}
            onChange={setLifetime}
          />
        </Form>
      )}
    </Dialog>
  );
}
