// Hooks of pages: what a page loads, and what it does when a button is pressed.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  /** undefined: not there yet, or it could not be loaded. Stays while it is loaded again. */
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  reload(): void;
}

/**
 * Loads something when the page opens, and again when one of `deps` changes.
 * @example const keys = useLoad((signal) => api.get<Key[]>("/keys", { signal }), []);
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({
    data: undefined,
    error: undefined,
    loading: true,
  });
  const [round, setRound] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what it depends on
  useEffect(() => {
    const abort = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    newest.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, error: undefined, loading: false });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((old) => ({ ...old, error: asError(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [...deps, round]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  return { ...state, reload };
}

export interface Action<A extends readonly unknown[]> {
  /** Never rejects: a failure is in `error`. Further calls while it runs do nothing. */
  run(...args: A): Promise<void>;
  readonly busy: boolean;
  readonly error: Error | undefined;
  clear(): void;
}

/** Something that a press of a button does. @example const remove = useAction((id: string) => api.delete(`/keys/${id}`)); */
export function useAction<A extends readonly unknown[]>(act: (...args: A) => Promise<unknown>): Action<A> {
  const [state, setState] = useState<{ busy: boolean; error: Error | undefined }>({
    busy: false,
    error: undefined,
  });
  const running = useRef(false);
  const run = async (...args: A): Promise<void> => {
    if (running.current) return;
    running.current = true;
    setState({ busy: true, error: undefined });
    try {
      await act(...args);
      setState({ busy: false, error: undefined });
    } catch (error) {
      setState({ busy: false, error: asError(error) });
    } finally {
      running.current = false;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, error: undefined }) };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
