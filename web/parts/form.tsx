// Forms: fields with their hint and error beside them, and one submit button. A refusal that names a field shows there.

import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useId, useRef } from "preact/hooks";
import { ApiError } from "../api.ts";
import { useAction } from "../load.ts";
import { t } from "../words.ts";
import { ErrorNotice } from "./notice.tsx";

interface FieldErrors {
  readonly error: Error | undefined;
  /** A field tells that it shows the errors of this name. */
  readonly names: Set<string>;
}
const Errors = createContext<FieldErrors>({ error: undefined, names: new Set() });

export interface FormProps {
  /** An ApiError whose `field` is the name of a field is shown beside that field. */
  readonly onSubmit: () => Promise<unknown>;
  /** The button's words. */
  readonly submit: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** Adds a button. */
  readonly onCancel?: () => void;
  readonly children: ComponentChildren;
}

export function Form({ onSubmit, submit, danger = false, disabled = false, onCancel, children }: FormProps) {
  const { run, busy, error } = useAction(onSubmit);
  const names = useRef(new Set<string>());
  const form = useRef<HTMLFormElement>(null);
  const field = error instanceof ApiError ? error.field : undefined;
  const shownAtField = field !== undefined && names.current.has(field);
  useEffect(() => {
    if (error !== undefined) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <Errors.Provider value={{ error, names: names.current }}>{children}</Errors.Provider>
      {!shownAtField && <ErrorNotice error={error} />}
      <div class="actions">
        <button
          type="submit"
          class={danger ? "danger" : "primary"}
          disabled={busy || disabled}
          aria-busy={busy}
        >
          {submit}
        </button>
        {onCancel !== undefined && (
          <button type="button" onClick={onCancel}>
            {t("Cancel")}
          </button>
        )}
      </div>
    </form>
  );
}

interface FieldIds {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": "true" | undefined;
}

export interface FieldProps {
  readonly label: string;
  /** As refusals of the API name it. */
  readonly name?: string;
  readonly hint?: ComponentChildren;
  /** An error of the page's own, beside those of the API. */
  readonly error?: string | undefined;
  /** Gets what the input must have. */
  readonly children: (ids: FieldIds) => ComponentChildren;
}

/** A label, an input of any kind, a hint and an error. */
export function Field({ label, name, hint, error, children }: FieldProps) {
  const id = useId();
  const errors = useContext(Errors);
  if (name !== undefined) errors.names.add(name);
  const refused = errors.error instanceof ApiError && errors.error.field === name ? errors.error : undefined;
  const shown = error ?? (name === undefined ? undefined : refused?.message);
  const described = [hint === undefined ? "" : `${id}-hint`, shown === undefined ? "" : `${id}-error`]
    .filter((one) => one !== "")
    .join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": shown === undefined ? undefined : "true",
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {shown !== undefined && (
        <p id={`${id}-error`} class="field-error">
          <span aria-hidden="true">■ </span>
          {shown}
        </p>
      )}
    </div>
  );
}

export interface TextFieldProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "password" | "email" | "number" | "date" | "datetime-local" | "search";
  readonly autocomplete?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly autofocus?: boolean;
  readonly maxLength?: number;
  /** For names, codes and keys: a font whose letters have one width, and no help with spelling. */
  readonly code?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { value, onInput, type = "text", autocomplete = "off", code = false, autofocus = false } = props;
  return (
    <Field {...props}>
      {(ids) => (
        <input
          {...ids}
          // Their attributes are the same here.
          type={type as "text"}
          name={props.name}
          class={code ? "code" : undefined}
          value={value}
          autocomplete={autocomplete as "off"}
          placeholder={props.placeholder}
          required={props.required}
          maxLength={props.maxLength}
          autofocus={autofocus}
          {...(code ? { autocapitalize: "off", spellcheck: false } : {})}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )}
    </Field>
  );
}

export interface SelectFieldProps<V extends string> extends Omit<FieldProps, "children"> {
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onChange: (value: V) => void;
}

export function SelectField<V extends string>({ value, options, onChange, ...field }: SelectFieldProps<V>) {
  return (
    <Field {...field}>
      {(ids) => (
        <select
          {...ids}
          value={value}
          onChange={({ currentTarget }) => {
            const chosen = options.find((one) => one.value === currentTarget.value);
            if (chosen !== undefined) onChange(chosen.value);
          }}
        >
          {options.map((one) => (
            <option key={one.value} value={one.value}>
              {one.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export interface CheckboxProps {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Checkbox({ label, hint, checked, disabled = false, onChange }: CheckboxProps) {
  const id = useId();
  return (
    <div class="checkbox">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}
