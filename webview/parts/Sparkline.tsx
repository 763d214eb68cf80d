import { percent } from "../format.ts";

const HEIGHT = 20;

/** Equity over the starting balance, as a line of a word's height; above the dotted line is a gain. */
export function Sparkline({ points, width = 88 }: { points: readonly number[]; width?: number }) {
  if (points.length < 2) return null;
  const low = Math.min(1, ...points);
  const high = Math.max(1, ...points);
  const y = (value: number) => (high === low ? HEIGHT / 2 : HEIGHT - 1.5 - ((value - low) / (high - low)) * (HEIGHT - 3));
  const x = (index: number) => (index / (points.length - 1)) * width;
  const last = points[points.length - 1]!;
  return (
    <svg
      className="sparkline"
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={`Equity ended ${percent(last - 1, 1, true)} from its start`}
    >
      <line x1={0} x2={width} y1={y(1)} y2={y(1)} className="sparkline-base" />
      <polyline points={points.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} data-tone={last >= 1 ? "gain" : "loss"} />
    </svg>
  );
}
