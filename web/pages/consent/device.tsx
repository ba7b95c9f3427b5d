// A device without a browser asks to act for the person (RFC 8628). People are tricked into allowing devices of others, so
// that the page asks for the code, or whether it is the one that the device shows, and says who asks and from where.

import { useState } from "preact/hooks";
import { type OAuthScope, parseUserCode } from "../../../protocol/sign-in/oauth.ts";
import type { DevicePrompt } from "../../../protocol/sign-in/oauth-api.ts";
import { api } from "../../api.ts";
import { useAction } from "../../load.ts";
import { Form, TextField } from "../../parts/form.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { PageProps } from "../../router.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { clientName } from "./client-name.ts";
import { Answers, ScopeChoice } from "./decision.tsx";
import { Person } from "./person.tsx";

type Step =
  | { readonly at: "compare"; readonly code: string }
  | { readonly at: "type" }
  | { readonly at: "decide"; readonly code: string; readonly prompt: DevicePrompt }
  | { readonly at: "done"; readonly allowed: boolean };

export function DevicePage({ query }: PageProps) {
  const named = parseUserCode(query.get("user_code") ?? "");
  const [step, setStep] = useState<Step>(
    named === undefined ? { at: "type" } : { at: "compare", code: named },
  );
  const lookUp = async (code: string): Promise<void> => {
    const prompt = await api.post<DevicePrompt>("/device-codes/prompt", { userCode: code });
    setStep({ at: "decide", code, prompt });
  };
  return (
    <>
      <PageTitle title={step.at === "done" ? t("Done") : t("Connect a device")} />
      {step.at === "compare" && (
        <Compare code={step.code} onSame={lookUp} onOther={() => setStep({ at: "type" })} />
      )}
      {step.at === "type" && <TypeCode onCode={lookUp} />}
      {step.at === "decide" && <Decide {...step} onDecided={(allowed) => setStep({ at: "done", allowed })} />}
      {step.at === "done" && (
        <p>
          {step.allowed
            ? t("The device is signed in. Go back to it, and close this tab.")
            : t("The device was refused. You can close this tab.")}
        </p>
      )}
    </>
  );
}

interface CompareProps {
  readonly code: string;
  readonly onSame: (code: string) => Promise<void>;
  readonly onOther: () => void;
}

/** The address had a code in it, which somebody else may have sent. */
function Compare({ code, onSame, onOther }: CompareProps) {
  const same = useAction(() => onSame(code));
  return (
    <>
      <p>{t("Does your device show exactly this code?")}</p>
      <p class="user-code">{code}</p>
      <p class="muted">
        {t("If somebody sent you this link or code, refuse: they would act as you at this gateway.")}
      </p>
      <ErrorNotice error={same.error} />
      <div class="actions">
        <button type="button" class="primary" disabled={same.busy} onClick={() => void same.run()}>
          {t("Yes, the same code")}
        </button>
        <button type="button" onClick={onOther}>
          {t("No")}
        </button>
      </div>
    </>
  );
}

function TypeCode({ onCode }: { readonly onCode: (code: string) => Promise<void> }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  return (
    <>
      <p>{t("Type the code that your device shows. It never comes by message or telephone.")}</p>
      <Form
        submit={t("Continue")}
        onSubmit={async () => {
          const code = parseUserCode(text);
          setWrong(code === undefined);
          if (code !== undefined) await onCode(code);
        }}
      >
        <TextField
          label={t("Code")}
          name="userCode"
          code
          placeholder="BCDF-GHJK"
          maxLength={40}
          error={wrong ? t("A code has eight letters, such as BCDF-GHJK.") : undefined}
          value={text}
          onInput={setText}
        />
      </Form>
    </>
  );
}

interface DecideProps {
  readonly code: string;
  readonly prompt: DevicePrompt;
  readonly onDecided: (allowed: boolean) => void;
}

function Decide({ code, prompt, onDecided }: DecideProps) {
  const [scopes, setScopes] = useState<readonly OAuthScope[]>(prompt.scopes);
  const decide = useAction(async (allow: boolean) => {
    await api.post("/device-codes", { userCode: code, allow, ...(allow ? { scopes } : {}) });
    onDecided(allow);
  });
  return (
    <>
      <p>{t("{0} asks to act for you at this gateway.", clientName(prompt.client))}</p>
      <dl class="facts">
        <dt>{t("Code")}</dt>
        <dd class="code">{code}</dd>
        <dt>{t("Calls itself")}</dt>
        <dd>{prompt.device}</dd>
        <dt>{t("Asks from")}</dt>
        <dd>{prompt.address}</dd>
        <dt>{t("Since")}</dt>
        <dd>
          <Time at={prompt.createdAt} />
        </dd>
        <dt>{t("Your account")}</dt>
        <dd>
          <Person />
        </dd>
      </dl>
      <Notice tone="warning">
        {t("Allow it only if this is your own device, and you have just started to sign in there.")}
      </Notice>
      <ScopeChoice asked={prompt.scopes} allowed={scopes} onChange={setScopes} />
      <Answers decide={decide} allowed={scopes} no={t("Refuse")} warns />
    </>
  );
}
