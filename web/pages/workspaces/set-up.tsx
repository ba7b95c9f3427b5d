// The guide from a machine to a workspace that is online: one line to copy. The page notices by itself when the workspace is
// there.

import { useEffect, useRef, useState } from "preact/hooks";
import type { CreatedAccessToken, Discovery, Workspace } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { gatewayUrl } from "../../base.ts";
import { discover } from "../../discovery.ts";
import { useAction, useLoad } from "../../load.ts";
import { Busy, Loading } from "../../parts/busy.tsx";
import { CopyField } from "../../parts/copy.tsx";
import { Form, TextField } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { t } from "../../words.ts";
import { pathOf } from "./workspace-ref.ts";

const TOKEN_SECONDS = 30 * 86_400;
const SUGGESTION = "devbox";

export interface SetUpProps {
  readonly all: ReadonlyMap<string, Workspace>;
  /** The command was made: the guide should stay until the workspace is online. */
  readonly onStarted: () => void;
  /** undefined: there is nothing else to show. */
  readonly onClose: (() => void) | undefined;
}

interface Made {
  readonly name: string;
  readonly token: string;
  readonly tokenId: string;
  readonly gateway: Discovery;
}

export function SetUp({ all, onStarted, onClose }: SetUpProps) {
  const gateway = useLoad(() => discover(), []);
  const taken = (name: string): Workspace | undefined =>
    [...all.values()].find((workspace) => workspace.mine && workspace.name === name);
  const [name, setName] = useState(() => (taken(SUGGESTION) === undefined ? SUGGESTION : ""));
  const [made, setMade] = useState<Made>();
  const online = made === undefined ? undefined : taken(made.name);
  const isDone = online?.online === true;
  const create = async (known: Discovery): Promise<void> => {
    const { token, info } = await api.post<CreatedAccessToken>("/tokens", {
      title: `host ${name}`,
      scopes: ["host"],
      workspace: name,
      expiresIn: TOKEN_SECONDS,
    });
    setMade({ name, token, tokenId: info.id, gateway: known });
    onStarted();
  };
  return (
    <section class="empty set-up" aria-labelledby="set-up">
      <h2 id="set-up">{all.size === 0 ? t("Connect your first machine") : t("Add a workspace")}</h2>
      {made === undefined ? (
        <Loading of={gateway}>
          {(known) => (
            <Form
              submit={t("Create the command")}
              disabled={name === "" || taken(name) !== undefined}
              onSubmit={() => create(known)}
              {...(onClose === undefined ? {} : { onCancel: onClose })}
            >
              <p>
                {t(
                  "A workspace is a machine that you reach from everywhere: a server, a container, your desktop.",
                )}
              </p>
              <TextField
                label={t("Name of the workspace")}
                name="workspace"
                value={name}
                onInput={(text) => setName(text.trim().toLowerCase())}
                maxLength={40}
                code
                error={
                  taken(name) === undefined ? undefined : t("You have a workspace of this name already.")
                }
                hint={t("1 to 40 characters: a-z, 0-9 and hyphens, with no hyphen at the start or the end.")}
              />
            </Form>
          )}
        </Loading>
      ) : isDone ? (
        <Online workspace={online} onClose={onClose} />
      ) : (
        <Waiting
          made={made}
          onCancelled={() => {
            setMade(undefined);
            onClose?.();
          }}
        />
      )}
    </section>
  );
}

interface WaitingProps {
  readonly made: Made;
  readonly onCancelled: () => void;
}

function Waiting({ made: { name, token, tokenId, gateway }, onCancelled }: WaitingProps) {
  const { publicUrl, capabilities } = gateway;
  const hasDownloads = capabilities.includes("downloads");
  const line = useRef<HTMLDivElement>(null);
  const cancel = useAction(async () => {
    await api.delete(`/tokens/${tokenId}`);
    onCancelled();
  });
  // The button that was pressed is gone.
  useEffect(() => line.current?.focus(), []);
  return (
    <>
      <div ref={line} tabIndex={-1} class="stack">
        {hasDownloads ? (
          <CopyField
            label={t("Run this on the machine")}
            value={`curl -fsSL ${publicUrl}/install.sh | SALLYPORT_TOKEN=${token} sh -s -- host --name ${name}`}
          />
        ) : (
          <>
            <CopyField
              label={t("Run this on the machine, where sallyport is installed")}
              value={`SALLYPORT_GATEWAY=${publicUrl} SALLYPORT_TOKEN=${token} sallyport host --name ${name}`}
            />
            <p class="muted">{t("This gateway offers no programs to download: ask its operator for one.")}</p>
          </>
        )}
        <p class="muted">
          {t("It is shown only once. The token in it can register {0} for 30 days, and nothing else.", name)}
        </p>
      </div>
      <Busy text={t("Waiting until {0} is online …", name)} />
      <ErrorNotice error={cancel.error} />
      <button type="button" disabled={cancel.busy} onClick={() => void cancel.run()}>
        {t("Cancel")}
      </button>
    </>
  );
}

interface OnlineProps {
  readonly workspace: Workspace;
  readonly onClose: (() => void) | undefined;
}

function Online({ workspace, onClose }: OnlineProps) {
  const { name } = workspace;
  const url = gatewayUrl();
  return (
    <>
      <div role="status">
        <Notice tone="good" title={t("{0} is online.", name)}>
          {t("It stays so for as long as the command runs.")}
        </Notice>
      </div>
      <div class="actions">
        <Link class="button primary" to={pathOf(workspace)}>
          {t("Connect to {0}", name)}
        </Link>
        {onClose !== undefined && (
          <button type="button" onClick={onClose}>
            {t("Close")}
          </button>
        )}
      </div>
      <details>
        <summary>{t("Keep it running")}</summary>
        <div class="stack">
          <p>{t("Stop the command, and install a service instead. It starts with the machine:")}</p>
          <CopyField label={t("Sign in, once")} value={`sallyport login ${url}`} />
          <CopyField
            label={t("Install the service")}
            value={`sallyport host install-service --gateway ${url} --name ${name}`}
          />
        </div>
      </details>
    </>
  );
}
