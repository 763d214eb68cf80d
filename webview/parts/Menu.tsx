import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Icon } from "./Icon.tsx";

interface Props {
  readonly icon: string;
  readonly label: string;
  readonly children: ReactNode;
  readonly disabled?: boolean;
}

/** A button with a list of actions or switches below it: arrow keys walk, Escape closes. */
export function Menu({ icon, label, children, disabled = false }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const items = () => [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];

  // biome-ignore lint/correctness/useExhaustiveDependencies: the first item takes the focus when the menu opens, not on every change.
  useEffect(() => {
    if (open) items()[0]?.focus();
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") {
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    } else if (event.key === "ArrowDown") all[(at + 1) % all.length]?.focus();
    else if (event.key === "ArrowUp") all[(at - 1 + all.length) % all.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens for keys on behalf of its items.
    <div className="menu" ref={root} onKeyDown={onKeyDown} onBlur={(event) => !root.current?.contains(event.relatedTarget) && setOpen(false)}>
      <button type="button" className="tool has-text" aria-haspopup="menu" aria-expanded={open} disabled={disabled} onClick={() => setOpen(!open)}>
        <Icon name={icon} /> {label} <Icon name="chevron-down" />
      </button>
      {open ? (
        // biome-ignore lint/a11y/useKeyWithClickEvents: every item is a button of its own.
        <div
          className="menu-list"
          role="menu"
          aria-label={label}
          tabIndex={-1}
          onClick={(event) => (event.target as Element).closest("[role=menuitem]") && setOpen(false)}
        >
          {children}
        </div>
      ) : null}
    </div>
  );
}

export function MenuItem({ icon, children, onClick }: { icon: string; children: ReactNode; onClick: () => void }) {
  return (
    <button type="button" role="menuitem" onClick={onClick}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

export function MenuSwitch({ checked, children, onChange }: { checked: boolean; children: ReactNode; onChange: (checked: boolean) => void }) {
  return (
    <button type="button" role="menuitemcheckbox" aria-checked={checked} onClick={() => onChange(!checked)}>
      <Icon name={checked ? "check" : "blank"} />
      {children}
    </button>
  );
}
