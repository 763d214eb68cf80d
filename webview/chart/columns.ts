/** An Arrow stream as columns. Timestamps become milliseconds, nulls of a figure NaN. */
import { type Table, Type, tableFromIPC } from "@uwdata/flechette";

export class Columns {
  readonly rows: number;
  readonly #table: Table;
  readonly #numbers = new Map<string, Float64Array>();

  constructor(bytes: Uint8Array) {
    // A reader by reference: figures are views of the reply wherever Arrow laid them out as 64-bit floats.
    this.#table = tableFromIPC(bytes, {});
    this.rows = this.#table.numRows;
  }

  /** Every row's number, for tables that sort and filter. */
  indices(): number[] {
    return Array.from({ length: this.rows }, (_, row) => row);
  }

  get names(): string[] {
    return this.#table.names as string[];
  }

  /** A column of figures or instants; empty when there is no such column. */
  number(name: string): Float64Array {
    let column = this.#numbers.get(name);
    if (!column) {
      column = figures(this.#table.getChild(name)?.toArray());
      this.#numbers.set(name, column);
    }
    return column;
  }

  /** One figure of a row, NaN where there is none. */
  numberAt(name: string, row: number): number {
    return this.number(name)[row] ?? Number.NaN;
  }

  /** What a column holds. */
  kind(name: string): "figure" | "instant" | "text" {
    const type = this.#table.schema.fields.find((field) => field.name === name)?.type.typeId;
    if (type === Type.Timestamp) return "instant";
    return type === Type.Utf8 || type === Type.LargeUtf8 || type === Type.Dictionary ? "text" : "figure";
  }

  /** One text of a row, null where there is none. Not kept: a table shows a few rows of very many. */
  textAt(name: string, row: number): string | null {
    const value: unknown = this.#table.getChild(name)?.at(row);
    return value === null || value === undefined ? null : String(value);
  }
}

function figures(values: ArrayLike<unknown> | undefined): Float64Array {
  if (values === undefined) return new Float64Array(0);
  if (values instanceof Float64Array) return values;
  return Float64Array.from(values, (value) => (value === null || value === undefined ? Number.NaN : Number(value)));
}

/** Index of the first element that is not below `value`; the length when all are. `sorted` ascends. */
export function lowerBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
