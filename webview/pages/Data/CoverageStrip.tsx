import type { SeriesQuality } from "#contracts";
import { percent, plain } from "../../format.ts";

const STEPS = 40;

/** Where a series has its bars: full where all are there, pale where some are missing, marked in colour where none is. */
export function CoverageStrip({ quality, wide = false }: { quality: SeriesQuality | undefined; wide?: boolean }) {
  if (!quality) return <span className="strip is-waiting" role="img" aria-label="Not looked at yet" />;
  const { strip, expected, missing, calendar } = quality;
  const parts = wide ? strip : merged(strip);
  const share = expected > 0 ? 1 - missing / expected : 1;
  const words = `${percent(share, missing > 0 && share > 0.999 ? 3 : 1)} of the bars that ${calendar || "the calendar"} expects${missing > 0 ? `; ${plain(missing, 0)} missing` : ""}`;
  return (
    <span className="strip" data-wide={wide || undefined} role="img" aria-label={words} title={words}>
      {parts.map((value, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a stretch is its place.
        <span key={index} data-gap={value < 0.5 || undefined} style={{ opacity: 0.25 + 0.75 * (value < 0.5 ? 1 : value) }} />
      ))}
    </span>
  );
}

/** The least of neighbouring stretches: a gap must not vanish because the strip is narrow. */
function merged(strip: readonly number[]): number[] {
  if (strip.length <= STEPS) return [...strip];
  const parts = new Array<number>(STEPS).fill(1);
  strip.forEach((value, index) => {
    const part = Math.floor((index * STEPS) / strip.length);
    parts[part] = Math.min(parts[part]!, value);
  });
  return parts;
}
