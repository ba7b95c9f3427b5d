// A table of thousands of rows, of which the page has only those near the part that is seen. It scrolls with the page, and
// knows the true height of rows that were seen. Short lists are an ordinary table, which browsers can search and print.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Table, TableHead, type TableProps, TableRow } from "../table.tsx";
import { type Range, RowHeights, segments } from "./row-heights.ts";

/** Up to so many rows all of them are in the page. */
const SHORT = 100;
/** How far beyond the window rows are in the page, in px. */
const OVERSCAN = 500;
/** How often in a row new heights lead to a new look. Heights that follow from where rows stand would never come to rest. */
const MOST_CORRECTIONS = 4;

/** Takes what `Table` takes. */
export function LongList<T>(props: TableProps<T>) {
  return props.rows.length <= SHORT ? <Table {...props} /> : <WindowedTable {...props} />;
}

function WindowedTable<T>({ caption, hideCaption = false, columns, rows, rowKey }: TableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [heights] = useState(() => new RowHeights());
  const [range, setRange] = useState<Range>({ first: 0, end: 30 });
  const [, setRound] = useState(0);
  const [focused, setFocused] = useState<string>();
  const anchor = useRef<Anchor>(undefined);
  const before = useRef(rows);
  const corrections = useRef(0);

  // `rowKey` says the same about the same row.
  const keys = useMemo(() => {
    const all = rows.map(rowKey);
    heights.setKeys(all);
    return all;
  }, [rows]);
  if (before.current !== rows) {
    before.current = rows;
    anchor.current = anchorIn(body.current);
    corrections.current = 0;
  }

  const look = useRef(() => {});
  look.current = () => {
    const element = body.current;
    if (element === null) return;
    const { top } = element.getBoundingClientRect();
    anchor.current = anchorIn(element);
    const next = heights.between(-top, innerHeight - top, OVERSCAN);
    setRange((old) => (old.first === next.first && old.end === next.end ? old : next));
  };
  useEffect(() => {
    let width = innerWidth;
    const scrolled = (): void => {
      corrections.current = 0;
      look.current();
    };
    const resized = (): void => {
      if (width !== innerWidth) heights.clear();
      width = innerWidth;
      corrections.current = 0;
      setRound((old) => old + 1);
      look.current();
    };
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("resize", resized);
    return () => {
      removeEventListener("scroll", scrolled);
      removeEventListener("resize", resized);
    };
  }, []);
  // Other rows may need a different part.
  useLayoutEffect(() => look.current(), [rows]);

  useLayoutEffect(() => {
    const element = body.current;
    if (element === null) return;
    if (measure(element, heights) && corrections.current++ < MOST_CORRECTIONS) {
      setRound((old) => old + 1);
      look.current();
    }
    anchor.current = hold(element, anchor.current);
  });

  const kept = focused === undefined ? -1 : keys.indexOf(focused);
  return (
    <div class="table-frame long">
      <table role="table" aria-rowcount={rows.length + 1}>
        <caption class={hideCaption ? "visually-hidden" : undefined}>{caption}</caption>
        <TableHead columns={columns} index={1} />
        <tbody
          ref={body}
          role="rowgroup"
          onFocusIn={({ target }) => setFocused(keyOf(target))}
          onFocusOut={({ relatedTarget }) => setFocused(keyOf(relatedTarget))}
        >
          {segments(heights, rows.length, range, kept < 0 ? undefined : kept).map((segment, at, all) => {
            if (segment.kind === "space") {
              const next = all[at + 1];
              return <Space key={next === undefined ? "end" : `space${at}`} height={segment.height} />;
            }
            const row = rows[segment.index];
            const key = keys[segment.index];
            if (row === undefined || key === undefined) return null;
            return (
              <TableRow key={`row ${key}`} name={key} row={row} columns={columns} index={segment.index + 2} />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The place of rows that are not in the page. */
function Space({ height }: { readonly height: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: an empty row takes no focus
    <tr class="space" aria-hidden="true">
      <td style={{ height: `${height}px` }} />
    </tr>
  );
}

function keyOf(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>("tr[data-key]")?.dataset.key : undefined;
}

/** Measures the rows in the page. Whether a height is new. */
function measure(body: HTMLElement, heights: RowHeights): boolean {
  const rows = [...body.querySelectorAll<HTMLElement>("tr[data-key]")];
  const [first] = rows;
  if (first === undefined) return false;
  // Cards have a distance.
  const distance = Number.parseFloat(getComputedStyle(first).marginTop) || 0;
  let isNew = false;
  for (const row of rows) {
    const height = row.getBoundingClientRect().height + distance;
    if (heights.measured(row.dataset.key ?? "", height)) isNew = true;
  }
  return isNew;
}

/** A row and where in the window it is seen, in px. It stays there when rows above it turn out to be higher or lower. */
interface Anchor {
  readonly row: HTMLElement;
  readonly top: number;
  /** Of the window. */
  readonly scrolled: number;
}

/** The first row that is whole in the window, if the list begins above the window. */
function anchorIn(body: HTMLElement | null): Anchor | undefined {
  if (body === null || body.getBoundingClientRect().top >= 0) return undefined;
  for (const row of body.querySelectorAll<HTMLElement>("tr[data-key]")) {
    const { top } = row.getBoundingClientRect();
    if (top >= 0) return top < innerHeight ? { row, top, scrolled: scrollY } : undefined;
  }
  return undefined;
}

/** Scrolls so that the anchor is where it was, unless somebody has scrolled since. Returns the anchor as it is now. */
function hold(body: HTMLElement, anchor: Anchor | undefined): Anchor | undefined {
  if (anchor === undefined || !body.contains(anchor.row) || anchor.scrolled !== scrollY) return undefined;
  const moved = anchor.row.getBoundingClientRect().top - anchor.top;
  if (Math.abs(moved) < 1) return anchor;
  scrollBy(0, moved);
  return { ...anchor, scrolled: scrollY };
}
