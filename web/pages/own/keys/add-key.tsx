// Adds a public key by pasting it.

import { useState } from "preact/hooks";
import type { AddedKey } from "../../../../protocol/api.ts";
import { api } from "../../../api.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Field, Form, TextField } from "../../../parts/form.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { t } from "../../../words.ts";

export interface AddKeyProps {
  readonly onClose: () => void;
  readonly onAdded: () => void;
}

export function AddKey({ onClose, onAdded }: AddKeyProps) {
  const [publicKey, setPublicKey] = useState("");
  const [title, setTitle] = useState("");
  const isPrivate = publicKey.includes("PRIVATE KEY");
  const add = async (): Promise<void> => {
    const line = publicKey.trim();
    await api.post<AddedKey>("/keys", {
      publicKey: line,
      ...(title.trim() === "" ? {} : { title: title.trim() }),
    });
    announce(t("Added. It still has to be proved."));
    onAdded();
    onClose();
  };
  return (
    <Dialog title={t("Add a key")} onClose={onClose}>
      <Form
        submit={t("Add")}
        disabled={publicKey.trim() === "" || isPrivate}
        onSubmit={add}
        onCancel={onClose}
      >
        <Field
          label={t("Public key")}
          name="publicKey"
          hint={
            <>
              {t("One line, as this prints it:")} <code>cat ~/.ssh/id_ed25519.pub</code>
            </>
          }
          error={
            isPrivate ? t("This is a private key, which belongs nowhere but on your machine.") : undefined
          }
        >
          {(ids) => (
            <textarea
              {...ids}
              class="code"
              autocomplete="off"
              spellcheck={false}
              autofocus
              placeholder="ssh-ed25519 AAAA…"
              value={publicKey}
              onInput={({ currentTarget }) => setPublicKey(currentTarget.value)}
            />
          )}
        </Field>
        <TextField
          label={t("Title")}
          name="title"
          value={title}
          onInput={setTitle}
          maxLength={100}
          hint={t("Otherwise the key's own comment.")}
        />
      </Form>
    </Dialog>
  );
}
