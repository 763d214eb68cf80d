/**
 * A table of very many rows: sorted by a click on a heading, drawn only where it is visible, walked with the keyboard.
 *
 * It is a real table with a spacer row above and below what is drawn, so that screen readers and styles see rows and
 * cells; the row counts tell them how many there are.
 */
import { createSortedRowModel, rowSortingFeature, type SortingState, tableFeatures, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef } from "react";
import { Icon } from "./Icon.tsx";

export interface Column<R> {
  readonly id: string;
  readonly heading: string;
  /** What the heading means, on hover. */
  readonly title?: string;
  /** Width in pixels; one column without takes what is left. */
  readonly width?: number;
  /** Figures stand right. */
  readonly figure?: boolean;
  /** What the column sorts by; null goes last. */
  readonly value: (row: R) => number | string | null;
  /** What the cell shows; the value itself if left out. */
  readonly cell?: (row: R) => ReactNode;
  readonly sortable?: boolean;
}

interface Props<R> {
  readonly label: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly keyOf: (row: R) => string | number;
  readonly selected?: string | number | null;
  /** A row was clicked or walked to. */
  readonly onSelect?: (row: R) => void;
  /** Enter or a double click on a row. */
  readonly onOpen?: (row: R) => void;
  /** Sorted like this at first. */
  readonly sorted?: { readonly id: string; readonly descending: boolean };
  readonly toneOf?: (row: R) => "gain" | "loss" | "muted" | null;
}

/** Key of a row that is its own number. */
export const rowKey = (row: number): number => row;

const ROW = 24;
/** A column without a width gets at least this. */
const FLEXIBLE = 160;
const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

export function DataTable<R extends object | number>({ label, columns, rows, keyOf, selected = null, onSelect, onOpen, sorted, toneOf }: Props<R>) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const data = useMemo(() => rows.map((row) => ({ row })), [rows]);
  const definitions = useMemo(
    () =>
      columns.map(({ id: column, value, sortable = true }) => ({
        id: column,
        accessorFn: ({ row }: { row: R }) => {
          const given = value(row);
          return given === null || Number.isNaN(given) ? undefined : given;
        },
        enableSorting: sortable,
        sortUndefined: "last" as const,
        sortFn: (a: { getValue(id: string): unknown }, b: { getValue(id: string): unknown }, key: string) => compare(a.getValue(key), b.getValue(key)),
      })),
    [columns],
  );
  const initial: SortingState = sorted ? [{ id: sorted.id, desc: sorted.descending }] : [];
  const table = useTable({ features, columns: definitions, data, initialState: { sorting: initial }, enableMultiSort: false });
  const order = table.getRowModel().rows;
  const sorting = table.state.sorting[0];

  const virtual = useVirtualizer({ count: order.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 8 });
  const visible = virtual.getVirtualItems();
  const above = visible[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (visible.at(-1)?.end ?? 0);
  const place = useMemo(() => (selected === null ? -1 : order.findIndex(({ original }) => keyOf(original.row) === selected)), [order, selected, keyOf]);

  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place, { align: "auto" });
  }, [place, virtual]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -order.length, End: order.length };
    const step = steps[event.key];
    if (step !== undefined && onSelect) {
      const next = order[Math.min(Math.max(place < 0 && step > 0 ? step - 1 : place + step, 0), order.length - 1)];
      if (next) onSelect(next.original.row);
    } else if (event.key === "Enter" && place >= 0 && onOpen) onOpen(order[place]!.original.row);
    else return;
    event.preventDefault();
  };

  return (
    <div className="table-scroller" ref={scroller}>
      <table
        className="table"
        style={{ minWidth: columns.reduce((sum, { width }) => sum + (width ?? FLEXIBLE), 0) }}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows are chosen and walked, which is a grid's business.
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-activedescendant={place >= 0 ? `${id}-${place}` : undefined}
        onKeyDown={onKeyDown}
      >
        <colgroup>
          {columns.map((column) => (
            <col key={column.id} style={column.width ? { width: column.width } : undefined} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => {
              const direction = sorting?.id === column.id ? (sorting.desc ? "descending" : "ascending") : undefined;
              return (
                <th key={column.id} scope="col" className={column.figure ? "is-figure" : undefined} aria-sort={direction} title={column.title}>
                  {column.sortable === false ? (
                    column.heading
                  ) : (
                    <button type="button" onClick={(event) => table.getColumn(column.id)?.getToggleSortingHandler()?.(event)}>
                      {column.heading}
                      {direction ? <Icon name={direction === "ascending" ? "chevron-up" : "chevron-down"} /> : null}
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <Spacer height={above} /> : null}
          {visible.map(({ index }) => {
            const { row } = order[index]!.original;
            const chosen = index === place;
            return (
              <tr
                key={keyOf(row)}
                id={`${id}-${index}`}
                aria-rowindex={index + 2}
                aria-selected={onSelect ? chosen : undefined}
                data-tone={toneOf?.(row) ?? undefined}
                onClick={onSelect ? () => onSelect(row) : undefined}
                onDoubleClick={onOpen ? () => onOpen(row) : undefined}
              >
                {columns.map((column) => (
                  <td key={column.id} className={column.figure ? "is-figure" : undefined}>
                    {column.cell ? column.cell(row) : column.value(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 ? <Spacer height={below} /> : null}
        </tbody>
      </table>
    </div>
  );
}

/** Stands for the rows that are not drawn; says nothing to anybody. */
function Spacer({ height }: { height: number }) {
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row without cells cannot be focused.
  return <tr aria-hidden="true" style={{ height }} />;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
