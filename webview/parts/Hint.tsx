import { type ReactNode, useId, useState } from "react";

interface Props {
  /** What appears on hover and on focus. */
  readonly text: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A word with an explanation: shown on hover and focus, read out by screen readers, closed with Escape. */
export function Hint({ text, children, className }: Props) {
  const id = useId();
  const [place, setPlace] = useState<{ left: number; top: number; above: boolean } | null>(null);
  const show = (element: Element) => {
    const box = element.getBoundingClientRect();
    const above = box.bottom > window.innerHeight - 140;
    setPlace({ left: Math.max(8, Math.min(box.left, window.innerWidth - 328)), top: above ? box.top - 4 : box.bottom + 4, above });
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it reacts to being pointed at, nothing can be pressed.
    <span
      className={`hint ${className ?? ""}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an explanation must be reachable without a mouse.
      tabIndex={0}
      aria-describedby={id}
      onMouseEnter={(event) => show(event.currentTarget)}
      onMouseLeave={() => setPlace(null)}
      onFocus={(event) => show(event.currentTarget)}
      onBlur={() => setPlace(null)}
      onKeyDown={(event) => event.key === "Escape" && setPlace(null)}
    >
      {children}
      <span
        id={id}
        role="tooltip"
        className="hint-text"
        hidden={place === null}
        data-above={place?.above}
        style={place ? { left: place.left, top: place.top } : undefined}
      >
        {text}
      </span>
    </span>
  );
}
