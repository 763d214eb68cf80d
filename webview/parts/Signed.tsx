/** A figure whose sign is its meaning. */
export function Signed({ value, text }: { value: number; text: string }) {
  return <span data-tone={value > 0 ? "gain" : value < 0 ? "loss" : undefined}>{text}</span>;
}
